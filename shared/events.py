"""What the programs say to one another: one class per event. Services meet here only.

Hearers ignore fields they do not know. How an event is written stands in `shared.cloudevents`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from typing_extensions import TypedDict  # pydantic refuses typing.TypedDict below Python 3.12

from shared.cloudevents import Canonical, Event, Id

Kind = Literal["dossier", "answer"]
State = Literal["open", "paused", "ended"]
Timing = Literal["on_time", "due_soon", "overdue", "early", "late", "no_deadline"]
DueFrom = Literal["source", "source_shifted", "computed"]
End = Literal["completed", "refused", "withdrawn", "stopped", "answered"]


# --- intake -----------------------------------------------------------------------------------------------------


class Fact(TypedDict):
    """One thing said of a dossier: a value of a slot.

    slot: `accepted`, `filed`, `due`, `standing`, `returned`, `procedure`, `field`, `unit_name`, `agency`,
        `channel`, `supplement.<n>.requested|received`, `step.<time>.<status>`.
    value: what the slot holds; instants as ISO 8601 with offset. `standing` and steps hold an object.
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


class UnitDescribed(Event):
    """A unit of the directory as it is now."""

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


# --- deadline ---------------------------------------------------------------------------------------------------


class Obligation(TypedDict):
    """The whole state of something that falls due; the `data` of every DEADLINE event."""

    obligation_id: str
    kind: Kind
    subject_id: str
    source: str
    unit: str | None
    unit_name: str | None
    procedure: str | None
    field: str | None
    accepted_at: str | None
    due_at: str | None
    due_from: DueFrom | None
    first_due_at: str | None
    computed_due_at: str | None
    near_at: str | None
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


class ObligationChanged(Event):
    """Anything of an obligation changed that no narrower event names; also the shape of those."""

    owner = "deadline"
    obligation_id: Id
    kind: Kind
    subject_id: str
    source: str
    unit: str | None
    unit_name: str | None
    procedure: str | None
    field: str | None
    accepted_at: AwareDatetime | None
    due_at: AwareDatetime | None
    due_from: DueFrom | None
    first_due_at: AwareDatetime | None
    computed_due_at: AwareDatetime | None
    near_at: AwareDatetime | None
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
