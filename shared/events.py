"""What the programs say to one another: one class per event. Services meet here only.

Hearers ignore fields they do not know. How an event is written stands in `shared.cloudevents`.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, NotRequired

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from typing_extensions import TypedDict  # pydantic refuses typing.TypedDict below Python 3.12

from shared.cloudevents import Canonical, Event, Id

DutyKind = Literal["remediation", "report"]
# what falls due: a dossier, the reception of an online filing, a step of a dossier, a pause that has a term of its own,
# an answer to a citizen, a task that puts an inspection's finding right, a periodic report
Kind = Literal["dossier", "reception", "step", "pause", "answer", "remediation", "report"]
Channel = Literal["counter", "online", "post"]
State = Literal["open", "paused", "ended"]
Timing = Literal["on_time", "due_soon", "overdue", "early", "late", "no_deadline"]
DueFrom = Literal["source", "source_shifted", "computed"]
End = Literal[
    "completed",
    "refused",
    "withdrawn",
    "stopped",
    "answered",
    "accepted",  # a filing was received
    "supplement_asked",  # a filing was answered by asking for more papers
    "passed_on",  # a step gave way to the next
    "resumed",  # a pause is over
    "submitted",  # a report or the evidence of a task was handed in
    "void",  # it turned out not to be: what it rested on was put right
]
DueChange = Literal["calendar", "procedure", "directory"]  # reference data that moved a due time of ours


# --- intake -----------------------------------------------------------------------------------------------------


class Fact(TypedDict):
    """One thing said of a dossier or a duty: a value of a slot.

    slot: of a dossier `about`, `filed`, `accepted`, `due`, `standing`, `supplement.<n>`, `apology.<n>`, `pause.<n>`; of
        a duty `about`, `given`, `due`, `standing`.
    value: what the slot holds; instants as ISO 8601 with offset. What is no instant is an object: intake's `facts.py`
        and `duties.py` say which members.
    at: when it happened. as_of: how new the knowledge is. heard: when FEED received it, the least of its deliveries.
    rank: of the status it came with, ties of as_of go to the higher.
    """

    id: Id
    slot: Annotated[str, Field(min_length=1, max_length=80)]
    value: Any
    at: Canonical
    as_of: Canonical
    heard: Canonical
    rank: int
    source: Id
    mirror: NotRequired[bool]


class DossierSaid(Event):
    """What one message newly said of a dossier, with all its new facts."""

    owner = "intake"
    dossier: Id
    raw_code: str
    facts: Annotated[list[Fact], Field(min_length=1)]


class DutySaid(Event):
    """What one message newly said of a duty: a task that puts a finding right, a periodic report. As `DossierSaid`."""

    owner = "intake"
    duty: Id
    kind: DutyKind
    facts: Annotated[list[Fact], Field(min_length=1)]


class ProcedureRule(BaseModel):
    """One limit of a procedure, for those dossiers of which all that is given here holds.

    case, channel: None = any. value: of `unit`; 0 for `same_day`. difficult_days: more days, of the same unit, in
    communes the directory marks as difficult. valid_from, valid_until: of the date of reception, both included.
    basis: the act that says so.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    case: str | None = None
    channel: Channel | None = None
    value: Annotated[int, Field(ge=0, le=100_000)]
    unit: Literal["working_minutes", "working_hours", "working_days", "calendar_days", "weeks", "months", "same_day"]
    difficult_days: Annotated[int, Field(ge=0, le=3650)] = 0
    valid_from: date | None = None
    valid_until: date | None = None
    basis: str = ""

    @model_validator(mode="after")
    def _is_a_limit(self) -> ProcedureRule:
        if (self.value == 0) != (self.unit == "same_day"):
            raise ValueError("value: 0 goes with same_day, and with nothing else")
        if self.difficult_days and self.unit not in ("working_days", "calendar_days"):
            raise ValueError("difficult_days: go with a limit in days")
        return self


class ProcedureDescribed(Event):
    """An administrative procedure and its limits as they are now; no rules: no due time of ours."""

    owner = "intake"
    code: Id
    revision: int
    name: str
    field: str
    rules: tuple[ProcedureRule, ...]


class CalendarDescribed(Event):
    """A work calendar as it is now.

    given: its entries as in a calendar file, dates written out; may inherit from another. units: codes, agency ids or
    names of the units whose calendar it is; all others have the province's, `thanh-hoa`.
    """

    owner = "intake"
    name: Id
    revision: int
    given: dict[str, Any]
    units: tuple[str, ...] = ()


class UnitDescribed(Event):
    """A unit of the directory as it is now. difficult: a commune of which the law gives land dossiers more time."""

    owner = "intake"
    code: Id
    revision: int
    name: str
    kind: str
    parent_code: str | None
    head_title: str
    head_name: str | None
    email: str | None
    phone: str | None
    aliases: tuple[str, ...]
    active: bool
    difficult: bool = False


# --- deadline ---------------------------------------------------------------------------------------------------


class Obligation(TypedDict):
    """The whole state of something that falls due; the `data` of every DEADLINE event.

    parent: id of the dossier's obligation, of its reception, steps and pauses. holder: of an open dossier in joint
    processing, who has its present step, as the source writes it; holder_due_at: until when. title: of a task or a
    report, what it is about. apologies: letters sent.
    because: which reference data moved the due time, in the event that says so.
    """

    obligation_id: str
    kind: Kind
    subject_id: str
    parent: str | None
    source: str
    unit: str | None
    unit_name: str | None
    holder: str | None
    holder_due_at: str | None
    procedure: str | None
    field: str | None
    title: str | None
    accepted_at: str | None
    due_at: str | None
    due_from: DueFrom | None
    first_due_at: str | None
    computed_due_at: str | None
    near_at: str | None
    apologies: int
    paused_seconds: int
    state: State
    timing: Timing
    ended_at: str | None
    first_ended_at: str | None
    end: End | None
    late_working_seconds: int | None
    late_days: int
    heard_at: str
    backlog: bool
    flags: list[str]
    revision: int
    because: DueChange | None


class ObligationChanged(Event):
    """Anything of an obligation changed that no narrower event names; also the shape of those."""

    owner = "deadline"
    obligation_id: Id
    kind: Kind
    subject_id: str
    parent: str | None = None
    source: str
    unit: str | None
    unit_name: str | None
    holder: str | None = None
    holder_due_at: AwareDatetime | None = None
    procedure: str | None
    field: str | None
    title: str | None = None
    accepted_at: AwareDatetime | None
    due_at: AwareDatetime | None
    due_from: DueFrom | None
    first_due_at: AwareDatetime | None
    computed_due_at: AwareDatetime | None
    near_at: AwareDatetime | None
    apologies: int = 0
    paused_seconds: int
    state: State
    timing: Timing
    ended_at: AwareDatetime | None
    first_ended_at: AwareDatetime | None = None
    end: End | None
    late_working_seconds: int | None
    late_days: int
    heard_at: AwareDatetime
    backlog: bool
    flags: tuple[str, ...]
    revision: int
    because: DueChange | None = None


class DeadlineSet(ObligationChanged):
    """A due time is known for the first time."""


class DeadlineMoved(ObligationChanged):
    """The due time changed."""


class DeadlinePaused(ObligationChanged):
    """The clock stopped."""


class DeadlineResumed(ObligationChanged):
    """The clock runs again."""


class DeadlineNear(ObligationChanged):
    """The due time is near; the sweep reached `near_at`."""


class DeadlinePassed(ObligationChanged):
    """The due time passed and the matter is open."""


class ObligationEnded(ObligationChanged):
    """The matter is settled; `timing` says whether in time."""


class ObligationReopened(ObligationChanged):
    """An ended matter runs again."""


class CensusTaken(Event):
    """What was open and overdue at one moment, in one snapshot: who presses compares it with what it pressed.

    slot: the morning it was due. taken_at: the moment. part, parts: of one census, from 1; the counts stand in each.
    overdue: ids with revisions, by id. counts: open obligations by kind, then by timing.
    """

    owner = "deadline"
    slot: AwareDatetime
    taken_at: AwareDatetime
    part: int
    parts: int
    counts: dict[str, dict[str, int]]
    overdue: tuple[tuple[Id, int], ...]


class EventsCounted(Event):
    """How many events a stream's owner has said in one hour, by the times in them, and a digest of their ids.

    revision: said again, higher, where one came late. digest: the sum of the first eight bytes of each id's BLAKE2b,
    modulo 2^64, in hexadecimal: the order does not matter.
    """

    owner = "deadline"
    hour: AwareDatetime
    revision: int
    count: int
    digest: str


# --- complaints -------------------------------------------------------------------------------------------------


class ComplaintChanged(Event):
    """The whole state of a feedback after a change; never its text or its sender."""

    owner = "complaints"
    code: Id
    revision: int
    unit: str | None
    dossier: str | None
    filed_at: AwareDatetime
    answered_at: AwareDatetime | None
    answer_working_days: int


class ComplaintFiled(ComplaintChanged):
    """A citizen's feedback arrived."""


class ComplaintAnswered(ComplaintChanged):
    """The unit answered."""


# --- notify -----------------------------------------------------------------------------------------------------


class EscalationChanged(Event):
    """The whole state of the pressing for one obligation."""

    owner = "notify"
    obligation_id: Id
    revision: int
    unit: str | None
    level: int
    raised_at: AwareDatetime
    closed_at: AwareDatetime | None


class EscalationRaised(EscalationChanged):
    """A level of the ladder was reached."""


class EscalationClosed(EscalationChanged):
    """The matter was settled or no longer calls for pressing."""


class NoticeChanged(Event):
    """The whole state of one notice; recipient by unit and role, never by name or address."""

    owner = "notify"
    notice_id: Id
    revision: int
    unit: str
    role: str
    channel: Literal["email"]
    slot: AwareDatetime
    status: Literal["stored", "sent", "failed", "withheld", "recorded"]
    reason: str
    items: int
    sent_at: AwareDatetime | None


class NoticeStored(NoticeChanged):
    """A notice was rendered and stored; it has not left."""


class NoticeSent(NoticeChanged):
    """A relay took the notice."""


class NoticeFailed(NoticeChanged):
    """The relay refused the notice for good."""


class NoticeWithheld(NoticeChanged):
    """The notice was not sent, with the reason: recording mode, not on the allow-list, no contact."""


# --- clock ------------------------------------------------------------------------------------------------------


class Tick(BaseModel):
    """A watermark of business time: nothing that happened at or before `at` comes after it in this stream.

    timers: each service's next timer, so that the driver never jumps past the earliest.
    """

    model_config = ConfigDict(extra="ignore")
    at: AwareDatetime
    timers: dict[str, AwareDatetime | None] = {}
