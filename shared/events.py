"""What the programs say to one another: one class per event. Services meet here only.

Hearers ignore fields they do not know. How an event is written stands in `shared.cloudevents`.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, NotRequired

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from typing_extensions import TypedDict  # pydantic refuses typing.TypedDict below Python 3.12

from shared.cloudevents import Canonical, Event, Id

DutyKind = Literal["remediation", "report", "plan_item", "recommendation"]
NoticeChannel = Literal["email", "sms", "webhook"]
# what falls due: a dossier, the reception of an online filing, a step of a dossier, a pause that has a term of its own,
# an answer to a citizen, a task that puts an inspection's finding right, a periodic report, an item of a unit's reform
# plan, the answer to a recommendation to discipline
Kind = Literal[
    "dossier", "reception", "step", "pause", "answer", "remediation", "report", "plan_item", "recommendation"
]
# what oversight speaks of: an inspection's finding, a task that puts it right, a unit's yearly reform plan and its
# items, a periodic report, the result of a surprise check, a recommendation to discipline
RecordKind = Literal["finding", "task", "plan", "plan_item", "report", "surprise_check", "recommendation"]
Channel = Literal["counter", "online", "post"]
Portal = Literal["national", "provincial"]  # over which a dossier was filed
Why = Literal["first", "supplement", "apology", "correction"]  # a source announced a due date
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

    slot: of a dossier `about`, `filed`, `accepted`, `due`, `standing`, `supplement.<n>`, `apology.<n>`, `pause.<n>`,
        `step.<n>`, `transfer.<n>`, `slip`, `returned`, `digital`; of a duty `about`, `given`, `due`, `standing`.
        Of what is known: `same_as` (two codes are one dossier), `retracted.<id>` (a fact, by its id, no longer counts),
        `stands.<id>` (an operator let it stand though it may turn something back).
    value: what the slot holds; instants as ISO 8601 with offset. What is no instant is an object: intake's `facts.py`
        and `duties.py` say which members.
    at: when it happened. as_of: how new the knowledge is. heard: when FEED received it, the least of its deliveries.
    rank: of the status it came with, ties of as_of go to the higher; of `same_as` its revision.
    why: a due date was announced. said_of: the key it was said under, where that is another code of this dossier.
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
    why: NotRequired[Why]
    said_of: NotRequired[Id]


class DossierSaid(Event):
    """What one message newly said of a dossier, with all its new facts."""

    owner = "intake"
    dossier: Id
    raw_code: str
    facts: Annotated[list[Fact], Field(min_length=1)]


class DutySaid(Event):
    """What one message newly said of a duty, such as a task that puts a finding right. As `DossierSaid`."""

    owner = "intake"
    duty: Id
    kind: DutyKind
    facts: Annotated[list[Fact], Field(min_length=1)]


class SourceCensusSaid(Event):
    """One part of a source's own census at `taken_at`; parts of one moment belong together, a newer one corrects.

    mirror: the source repeats what others say. counts: dossiers by `open`, `overdue`, `ended`, as far as it counts
    them; ended_from: since when they ended. units: the same by unit as the source writes it. overdue: keys of dossiers
    that it holds to be open past their due date.
    """

    owner = "intake"
    source: Id
    mirror: bool
    taken_at: AwareDatetime
    part: int
    parts: int
    counts: dict[str, int]
    ended_from: AwareDatetime | None
    units: dict[str, dict[str, int]]
    overdue: tuple[Id, ...]


class OversightRecorded(Event):
    """Something of oversight as it is now: the whole of it, with its revision.

    record: its id. unit: as the source writes it; of a recommendation to discipline the unit concerned, with an opaque
    reference and never a name. document: its members that say something, as intake's `oversight/statement.py` names
    them.
    """

    owner = "intake"
    kind: RecordKind
    record: Id
    unit: str | None
    revision: int
    document: dict[str, Any]


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


PostRole = Literal["head", "deputy", "one_stop_head", "officer"]
# holder: has the post; acting: fills it until there is one; stand_in: named for the time of an absence; absent: is away
HoldingKind = Literal["holder", "acting", "stand_in", "absent"]


class LimitedAlias(BaseModel):
    """A word for a unit that holds for one source alone, or for a time; both days included."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    word: Id
    source: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None


class Holding(BaseModel):
    """Who has a post from one day to another, both included, and how that person is reached meanwhile.

    person: an opaque id; None: a vacant post. Names and contacts of officials are here by need, and nowhere in logs.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    post: Id
    role: PostRole
    title: str
    person: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    kind: HoldingKind = "holder"
    valid_from: date | None = None
    valid_until: date | None = None


class UnitDescribed(Event):
    """A unit of the directory as it is now. difficult: a commune of which the law gives land dossiers more time.

    head_title, head_name, email, phone: of who heads it, where no posts are given; else email and phone are the unit's
    own, for a head who has none. valid_from, valid_until: both included. successors: who stands for it from then on.
    """

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
    valid_from: date | None = None
    valid_until: date | None = None
    successors: tuple[Id, ...] = ()
    limited_aliases: tuple[LimitedAlias, ...] = ()
    posts: tuple[Holding, ...] = ()


class SourceState(Event):
    """Of a source that fell silent. since: when it was last heard, to the minute.

    usual_gap_s: seconds of its own hours that may pass without it at that hour. revision: rises with each event of it.
    """

    source: Id
    revision: int
    since: AwareDatetime
    usual_gap_s: int


class SourceSilent(SourceState):
    """A source has said nothing for longer than is usual for it at that hour."""

    owner = "intake"


class SourceHeard(SourceState):
    """A silent source is heard again, at `at`; or nobody watches it any more."""

    owner = "intake"
    at: AwareDatetime
    because: Literal["heard", "not_watched"]


class QualityCounted(Event):
    """How much of a unit's reception of one day is flagged as incomplete; no counts: nothing any more.

    unit: its code in the directory, else the agency id. counts: by flag, dossiers or missing numbers.
    """

    owner = "intake"
    unit: Id
    day: date
    counts: dict[str, int]
    revision: int


# --- deadline ---------------------------------------------------------------------------------------------------


class Obligation(TypedDict):
    """The whole state of something that falls due; the `data` of every DEADLINE event.

    parent: id of the dossier's obligation, of its reception, steps and pauses; of the feedback's answer, of what else
    is owed in it (`answer/<code>/<name of the term>`). holder: of an open dossier in joint
    processing, who has its present step, as the source writes it; holder_due_at: until when. title: of a task or a
    report, what it is about. apologies: letters sent. channel, digitised, paid_online: of a dossier, where known: how
    it was handed in, whether its papers were digitised and its fee paid over the net.
    because: which reference data moved the due time, in the event that says so. unit_code: which unit of the directory
    unit and unit_name, the words of the source, mean today, or meant when it ended; None: none, or any of several (flag
    `unit_ambiguous`).
    restricted: who must not be told of it, by opaque ids: `Holding.person` of whoever heads a unit, or the unit's code
    where the directory gives no posts of it. It is then nobody's but the handling unit's, and of those above that.
    confidential: a feedback that is or may be a denunciation; nothing but its code, its unit and its terms is here, and
    it is in no count, list or export.
    """

    obligation_id: str
    kind: Kind
    subject_id: str
    parent: str | None
    source: str
    unit: str | None
    unit_name: str | None
    unit_code: str | None
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
    channel: Channel | None
    digitised: bool | None
    paid_online: bool | None
    restricted: list[str]
    confidential: bool


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
    unit_code: str | None = None
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
    channel: Channel | None = None
    digitised: bool | None = None
    paid_online: bool | None = None
    restricted: tuple[Id, ...] = ()
    confidential: bool = False


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


FeedbackKind = Literal["reflection", "recommendation", "complaint", "denunciation"]
FeedbackState = Literal["received", "supplement_asked", "accepted", "refused", "answered", "published", "joined"]
TermName = Literal["screening", "acceptance", "answer", "settlement", "publication"]
TermMeasure = Literal["working_hours", "working_days", "days"]


class FeedbackTerm(BaseModel):
    """A period that a unit has for one duty of a feedback: a part of it that falls due.

    name: `screening` whether it is taken, `acceptance` of a complaint or a denunciation, `answer`, `settlement`,
    `publication` of the answer. unit: the code of who owes it; None: nobody yet. since: from when it runs.
    value, measure: its length with what extends it; basis: the act that says so. extended: how often the law's
    extension was used. pauses: spans in which it stands, as a supplement is awaited; the last may be open.
    ended_at, end: `answered` it was done, `refused`, `void` it is owed no more.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    name: TermName
    unit: Id | None
    since: AwareDatetime
    value: Annotated[int, Field(ge=0, le=100_000)]
    measure: TermMeasure
    basis: str
    extended: int = 0
    pauses: tuple[tuple[AwareDatetime, AwareDatetime | None], ...] = ()
    ended_at: AwareDatetime | None = None
    end: Literal["answered", "refused", "void"] | None = None


class ComplaintChanged(Event):
    """The whole state of a feedback after a change that no narrower event names; never its text or its sender.

    code: its public number, which opens nothing. unit: the code of the unit that must act. not_to: who must not be told
    of it, because it is about them: see `ObligationChanged.restricted`. restricted: a denunciation or what may be one:
    kind, field, categories and dossier are left out. terms: what is owed; empty where it was said before terms were.
    joined_to: the code of the feedback that it is dealt with in. reopened: how often. rating: of the answer, 1 to 5.
    """

    owner = "complaints"
    code: Id
    revision: int
    unit: str | None
    dossier: str | None
    filed_at: AwareDatetime
    answered_at: AwareDatetime | None
    answer_working_days: int
    not_to: tuple[Id, ...] = ()
    restricted: bool = False
    kind: FeedbackKind | None = None
    state: FeedbackState = "received"
    field: str | None = None
    categories: tuple[str, ...] = ()
    terms: tuple[FeedbackTerm, ...] = ()
    joined_to: Id | None = None
    reopened: int = 0
    rating: int | None = None


class ComplaintFiled(ComplaintChanged):
    """A citizen's feedback arrived."""


class ComplaintRouted(ComplaintChanged):
    """Its kind was decided, or another unit must act."""


class ComplaintAnswered(ComplaintChanged):
    """The unit answered."""


class ComplaintReopened(ComplaintChanged):
    """The sender was not content with the answer, within the time there is for it."""


class ComplaintRated(ComplaintChanged):
    """The sender rated the answer."""


class PatternSeen(Event):
    """There are many feedbacks about one unit or officer within a time; said again as there are half as many more.

    about: the unit's code, or an opaque id of the officer. count: feedbacks in that time, from since to until. to: the
    code of the unit that is told, which is above; None: no unit is known that may be. restricted: denunciations or what
    may be some are counted. not_to: who must not be told of it, see `ObligationChanged.restricted`.
    """

    owner = "complaints"
    code: Id
    revision: int
    about_kind: Literal["unit", "officer"]
    about: Id
    count: int
    since: AwareDatetime
    until: AwareDatetime
    to: Id | None
    not_to: tuple[Id, ...] = ()
    restricted: bool = False


# --- notify -----------------------------------------------------------------------------------------------------


AnswerKind = Literal["promise", "settled", "not_ours"]


class EscalationChanged(Event):
    """The whole state of the pressing for one obligation.

    promise, promised_until: what its unit, or one above, last promised and what became of it; `ended`: it has no object
    any more. disputed: what was answered instead, as long as the operator has not decided on it. Never a reason given.
    """

    owner = "notify"
    obligation_id: Id
    revision: int
    unit: str | None
    level: int
    raised_at: AwareDatetime
    closed_at: AwareDatetime | None
    promise: Literal["running", "kept", "missed", "ended"] | None = None
    promised_until: AwareDatetime | None = None
    disputed: Literal["settled", "not_ours"] | None = None


class EscalationRaised(EscalationChanged):
    """A level of the ladder was reached."""


class EscalationAcknowledged(EscalationChanged):
    """A head answered: a promise, or what is disputed."""


class EscalationClosed(EscalationChanged):
    """The matter was settled or no longer calls for pressing."""


class NoticeChanged(Event):
    """The whole state of one notice; recipient by unit and role, never by name or address.

    receipt: what became of it after a provider took it; expired: nothing was heard in time. instead_of: the notice of
    the same matters that did not arrive. why: the reasons for which it was made, as notify's enum has them.
    """

    owner = "notify"
    notice_id: Id
    revision: int
    unit: str
    role: str
    channel: NoticeChannel
    slot: AwareDatetime
    status: Literal["stored", "sent", "failed", "withheld", "recorded", "withdrawn"]
    reason: str
    items: int
    sent_at: AwareDatetime | None
    receipt: Literal["", "pending", "unknown", "expired", "failed", "delivered"] = ""
    receipt_at: AwareDatetime | None = None
    instead_of: str = ""
    why: tuple[str, ...] = ()


class NoticeStored(NoticeChanged):
    """A notice was rendered and stored; it has not left."""


class NoticeSent(NoticeChanged):
    """A relay took the notice."""


class NoticeDelivered(NoticeChanged):
    """A provider says that the notice reached the recipient's mailbox or telephone."""


class NoticeFailed(NoticeChanged):
    """The notice did not arrive: the provider refused it for good, said so later, or never said anything."""


class NoticeWithheld(NoticeChanged):
    """The notice was not sent, with the reason: recording mode, not on the allow-list, no contact, nothing left."""


class SendingChanged(Event):
    """What may leave the house was changed by an operator. mode: None leaves it to the environment's setting."""

    owner = "notify"
    revision: int
    mode: Literal["record", "allowlist", "live"] | None
    paused: bool
    at: AwareDatetime


class AuditAnchored(Event):
    """The newest row of notify's audit on a day: who keeps its hash elsewhere can prove all rows up to it."""

    owner = "notify"
    seq: int
    hash: str
    at: AwareDatetime


# --- clock ------------------------------------------------------------------------------------------------------


class Tick(BaseModel):
    """A watermark of business time: nothing that happened at or before `at` comes after it in this stream.

    timers: each service's next timer, so that the driver never jumps past the earliest.
    """

    model_config = ConfigDict(extra="ignore")
    at: AwareDatetime
    timers: dict[str, AwareDatetime | None] = {}
