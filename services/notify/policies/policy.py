"""A policy: which ladder which matter has, digest slots and roles. Pure; `file` reads it from a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import time
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from services.notify.policies.awaiting import Awaited
from services.notify.policies.parts import (
    Caps,
    ClockTime,
    FeedSilent,
    Offset,
    Promises,
    QuietHours,
    Repeat,
    Stop,
    Weekly,
)
from shared.events import Kind, NoticeChannel, ObligationChanged, TermName
from shared.rule_files import Edition, Part

Told = Literal["officer", "head", "superior", "oversight"]  # whom a ladder can name
# receiving: the unit that received a dossier, told while another holds its late step. chairman: of the weekly page
Role = Literal[Told, "receiving", "chairman"]
NOTHING, NEAR = -1, 0  # levels below the ladder's first: nothing reached; near, told as information
LadderOf = Literal[Kind, "default"]  # default: of kinds that have none of their own
OTHERS: LadderOf = "default"
PARTS: tuple[TermName, ...] = get_args(TermName)
ROLE_TEXTS: Mapping[Role, str] = {
    "officer": "người được phân công trực tiếp giải quyết tại đơn vị",
    "head": "người đứng đầu đơn vị chịu trách nhiệm giải quyết",
    "superior": "người đứng đầu cơ quan được giao theo dõi, đôn đốc các đơn vị có hồ sơ, công việc quá hạn kéo dài",
    "oversight": "cơ quan được giao theo dõi, đôn đốc chung việc giải quyết của các đơn vị trong tỉnh",
    "receiving": "người đứng đầu đơn vị tiếp nhận hồ sơ, được báo để biết",
    "chairman": "Chủ tịch Ủy ban nhân dân tỉnh, nhận báo cáo tổng hợp hằng tuần",
}


def _roles(value: object) -> object:
    """Take one role or several, and say why the Chairman is none of them."""
    several = value if isinstance(value, list | tuple) else [value]
    if "chairman" in several:
        raise ValueError(
            "the Chairman gets the weekly page (`weekly`) and no single matters; "
            "name officer, head, superior or oversight"
        )
    return several


Tell = Annotated[tuple[Told, ...], BeforeValidator(_roles), Field(min_length=1)]


class _Rung(Part):
    """Who is told, by what. by: the mail says which matters, an SMS beside it how many. at_once: before the slot."""

    tell: Tell
    by: tuple[NoticeChannel, ...] = ("email",)
    at_once: bool = False

    @field_validator("tell", "by")
    @classmethod
    def _names_each_once(cls, named: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(named)) < len(named):
            raise ValueError("name each once")
        return named

    @field_validator("by")
    @classmethod
    def _has_a_mail(cls, by: tuple[NoticeChannel, ...]) -> tuple[NoticeChannel, ...]:
        if "email" not in by:
            raise ValueError("name email too; an SMS alone does not say which matters")
        return by


class Near(_Rung):
    """What is told before the due time, as information. before: it; none: when deadline says the time is near."""

    before: Offset | None = None


class Level(_Rung):
    """One rung. after: the due time. repeat: in place of the ladder's."""

    level: int = Field(ge=1, le=9)
    after: Offset = Offset(working_days=0)
    repeat: Repeat | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_offset(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        if "before" in given:
            raise ValueError("before: what comes before the due time is information and stands under `near`")
        if "after_working_days" in given:  # as files were written up to version 3
            if "after" in given:
                raise ValueError("give either after or after_working_days")
            given = {**given, "after": {"working_days": given["after_working_days"]}}
            del given["after_working_days"]
        return given


class Where(Part):
    """Which matters a ladder is for: of one of these fields (lĩnh vực), and from one of these sources, where given.

    part: of a citizen's feedback, what is owed in it.
    """

    field: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    part: tuple[TermName, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.field and not self.source and not self.part:
            raise ValueError("name field or source, of a feedback also part, or leave `where` out")
        return self

    def holds(self, *, field: str | None, source: str, part: TermName | None = None) -> bool:
        fields = {_plain(one) for one in self.field}
        if self.part and part not in self.part:
            return False
        return (not fields or _plain(field or "") in fields) and (not self.source or source in self.source)


def _plain(words: str) -> str:
    return " ".join(words.split()).casefold()


def part_of(obligation_id: str, *, kind: Kind) -> TermName | None:
    """Return what is owed in a citizen's feedback, by the id of the obligation; None of all else."""
    if kind != "answer":
        return None
    named = obligation_id.split("/", 2)[2:]
    return next((name for name in PARTS if named == [name]), "answer")


class Ladder(Part):
    """What is done about some kind of matter. where: which of it; none: all. near: null tells nobody."""

    where: Where | None = None
    near: Near | None = None
    levels: tuple[Level, ...] = Field(min_length=1)
    repeat: Repeat | None = None
    stop: Stop | None = None

    @field_validator("near", mode="before")
    @classmethod
    def _read_near(cls, given: Any) -> Any:
        return {"tell": given} if isinstance(given, str | list) else given

    @field_validator("levels")
    @classmethod
    def _rise(cls, levels: tuple[Level, ...]) -> tuple[Level, ...]:
        for place, (lower, upper) in enumerate(pairwise(levels), start=1):
            if upper.level <= lower.level or upper.after.nominal_h <= lower.after.nominal_h:
                said = f"level {upper.level} must be higher and later than level {lower.level}"
                raise PydanticCustomError("order", "{said}", {"said": said, "at": (place,)})
        return levels

    @model_validator(mode="after")
    def _stops_behind_its_levels(self) -> Self:
        last = self.levels[-1]
        if self.stop and Offset(working_days=self.stop.after_working_days).nominal_h <= last.after.nominal_h:
            raise ValueError(f"stop: must be later than level {last.level}, which would never be reached")
        return self

    def told(self, *, reached: int) -> dict[Role, int]:
        """Return who knows of a matter at `reached`, and the highest level that concerns each.

        A head passed over, because several levels went by unnoticed, is told all the same.
        """
        told: dict[Role, int] = {}
        if self.near and reached == NEAR:
            told |= dict.fromkeys(self.near.tell, NEAR)
        for level in self.levels:
            if level.level <= reached:
                told |= dict.fromkeys(level.tell, level.level)
        return told

    def rung(self, level: int) -> Near | Level | None:
        """Return what is done at a level; None where the ladder has no such level, as after a change of policy."""
        return self.near if level == NEAR else next((rung for rung in self.levels if rung.level == level), None)

    def calls_for(self, channel: NoticeChannel, *, level: int) -> bool:
        """Return whether who is told of `level` is told by `channel`."""
        rung = self.rung(level)
        return rung is not None and channel in rung.by

    def is_at_once(self, level: int) -> bool:
        """Return whether who is told of `level` is told at once."""
        rung = self.rung(level)
        return rung is not None and rung.at_once

    def repeat_of(self, level: int) -> Repeat | None:
        """Return how a level is told again: by its own rule, else by the ladder's."""
        rung = self.rung(level)
        return (rung.repeat or self.repeat) if isinstance(rung, Level) else None


def _several(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


Ladders = Annotated[tuple[Ladder, ...], BeforeValidator(_several), Field(min_length=1)]


class Policy(Edition):
    """The whole of it."""

    slots: tuple[ClockTime, ...] = Field(min_length=1, max_length=12)
    max_lines: int = Field(default=50, ge=1, le=500)
    province: str = Field(min_length=1)
    oversight: str = Field(min_length=1)
    quiet_hours: QuietHours | None = QuietHours()
    caps: Caps = Caps()
    promises: Promises = Promises()
    receipts: Awaited = Awaited()
    feed_silent: FeedSilent = FeedSilent()
    weekly: Weekly | None = Weekly()
    ladders: dict[LadderOf, Ladders]
    roles: dict[Role, str] = Field(default_factory=lambda: dict(ROLE_TEXTS))

    @field_validator("slots")
    @classmethod
    def _in_order(cls, slots: tuple[time, ...]) -> tuple[time, ...]:
        if list(slots) != sorted(set(slots)):
            raise ValueError("list each clock time once, the earliest first")
        return slots

    @model_validator(mode="after")
    def _has_slots_by_day(self) -> Self:
        for place, slot in enumerate(self.slots):
            if self.quiet_hours and self.quiet_hours.holds(slot):
                said = f"{slot:%H:%M} lies in quiet_hours; move one of them"
                raise PydanticCustomError("order", "{said}", {"said": said, "at": ("slots", place)})
        return self

    @field_validator("ladders")
    @classmethod
    def _for_all(cls, ladders: dict[LadderOf, tuple[Ladder, ...]]) -> dict[LadderOf, tuple[Ladder, ...]]:
        missing = [repr(kind) for kind in get_args(Kind) if kind not in ladders and OTHERS not in ladders]
        if missing:
            raise ValueError(f"there is none for {', '.join(missing)}; each kind needs one, or there is a `{OTHERS}`")
        for kind, several in ladders.items():
            if several[-1].where:
                said = "the last ladder must hold for all that is left; leave its `where` out"
                raise PydanticCustomError("order", "{said}", {"said": said, "at": (kind, len(several) - 1)})
            for place, ladder in enumerate(several[:-1]):
                if ladder.where is None:
                    said = "what stands behind a ladder without `where` is never reached"
                    raise PydanticCustomError("order", "{said}", {"said": said, "at": (kind, place + 1)})
        return ladders

    @field_validator("roles")
    @classmethod
    def _say_something(cls, roles: dict[Role, str]) -> dict[Role, str]:
        for role, said in roles.items():
            if not said.strip():
                raise PydanticCustomError("empty", "the text is missing", {"at": (role,)})
        return {**ROLE_TEXTS, **roles}

    @cached_property
    def fingerprint(self) -> str:
        """A short hash of all it says: two policies of one fingerprint decide alike."""
        said = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def ladder(self, *, kind: Kind, field: str | None, source: str, part: TermName | None = None) -> Ladder:
        """Return the ladder of a matter: the first of its kind, else of `default`, that is for it."""
        several = self.ladders.get(kind) or self.ladders[OTHERS]
        if len(several) == 1:
            return several[0]
        return next(one for one in several if not one.where or one.where.holds(field=field, source=source, part=part))

    def ladder_of(self, obligation: ObligationChanged) -> Ladder:
        part = part_of(obligation.obligation_id, kind=obligation.kind)
        return self.ladder(kind=obligation.kind, field=obligation.field, source=obligation.source, part=part)
