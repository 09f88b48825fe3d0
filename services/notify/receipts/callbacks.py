"""How an SMS gateway tells what became of a message, as its description says (`receipts:`). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.notify.receipts.states import Receipt
from shared.clock import PROVINCE_ZONE

LONGEST = 200  # characters of a member that is kept
YEARS = range(2000, 2100)
MESSAGES = 100  # that one call may tell of
_RANGE = re.compile(r"(\d{1,9})-(\d{1,9})?")
_EPOCH = re.compile(r"\d{9,11}")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


Words = Annotated[tuple[str, ...], BeforeValidator(lambda raw: [str(w) for w in raw] if isinstance(raw, list) else raw)]


class Saying(_Part):
    """One thing that a call can say. when: member and its values, or ranges of numbers (`1-63`, `64-`); all must fit.

    dead: the number itself is at fault, and would be at the next try.
    """

    state: Literal["delivered", "failed", "pending", "unknown"] = Field(alias="is")
    when: Mapping[str, Words] = Field(min_length=1)
    dead: bool = False


class Callbacks(_Part):
    """The calls of one gateway. id: member that repeats our id of the notice. reference: that holds the gateway's own.

    time: of what is said: seconds since 1970, or ISO 8601, in the province's time where it names no zone. says: the
    first that fits counts; where none does the state is unknown. query, json: what the sending call says besides, so
    that receipts come; {callback} is the address they come to. For a gateway without these it is set in its own pages.
    """

    id: str = ""
    reference: str = ""
    time: str = ""
    says: tuple[Saying, ...] = Field(min_length=1)
    query: Mapping[str, str] = {}
    json_body: Mapping[str, Any] = Field(default={}, alias="json")

    @property
    def asked_for(self) -> bool:
        """Whether the sending call itself says where receipts are to come."""
        return bool(self.query or self.json_body)


@dataclass(frozen=True, slots=True)
class Told:
    """What a call tells of one message. code: the gateway's own words for the state."""

    notice_id: str
    reference: str
    state: Receipt
    code: str
    dead: bool
    said_at: datetime | None


def members(document: object) -> list[dict[str, str]]:
    """Return the members of each message that a JSON body tells of; one below another is named `above.below`."""
    several = document[:MESSAGES] if isinstance(document, list) else [document]
    return [dict(_flat("", one)) for one in several if isinstance(one, dict)]


def _flat(above: str, document: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in document.items():
        if isinstance(value, dict) and not above:
            yield from _flat(f"{name}.", value)
        elif isinstance(value, str | int | float):
            yield above + name, str(value)


def read(callbacks: Callbacks, given: Mapping[str, str]) -> Told | None:
    """Return what a call's members tell of a message; None where they do not say of which."""
    id, reference = (_word(given.get(name, "")) if name else "" for name in (callbacks.id, callbacks.reference))
    if not (id or reference):
        return None
    said = next((one for one in callbacks.says if all(_fits(given.get(n), w) for n, w in one.when.items())), None)
    names = dict.fromkeys(name for one in callbacks.says for name in one.when)
    return Told(
        notice_id=id,
        reference=reference,
        state=said.state if said else "unknown",
        code=" ".join(f"{name}={_word(given[name])[:20]}" for name in names if name in given)[:60],
        dead=bool(said and said.dead and said.state == "failed"),
        said_at=_instant(given.get(callbacks.time, "")) if callbacks.time else None,
    )


def _fits(value: str | None, wanted: Words) -> bool:
    return value is not None and any(_is(value.strip(), word) for word in wanted)


def _is(value: str, word: str) -> bool:
    if not (bounds := _RANGE.fullmatch(word)):
        return value == word
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        return False
    return int(bounds[1]) <= int(value) <= int(bounds[2] or value)


def _word(value: str) -> str:
    value = value.strip()[:LONGEST]
    return value if value.isprintable() else ""


def _instant(value: str) -> datetime | None:
    value = value.strip()
    try:
        if _EPOCH.fullmatch(value):
            return datetime.fromtimestamp(int(value), PROVINCE_ZONE)
        at = datetime.fromisoformat(value)
    except (ValueError, OverflowError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=PROVINCE_ZONE)) if at.year in YEARS else None
