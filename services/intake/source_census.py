"""A source's own census: what it counts and which dossiers it holds to be overdue, at a moment. Pure.

It is no fact of a dossier: deadline, which knows what was due when, compares it with what we know. A long list comes in
parts of one `taken_at`; a part said again with other content corrects the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from services.intake.facts import Assertion, Receipt, fact_of, key_of
from services.intake.national import Code, Word
from services.intake.own.words import Moment, Named, SomeMoment
from shared.events import Fact

CENSUS = "dondoc.census.v1"
PARTS_AT_MOST = 100
CODES_AT_MOST = 5000  # of a part
UNITS_AT_MOST = 1000

Count = Annotated[int | None, Field(strict=True, ge=0, le=10**9)]
NothingIfNull = BeforeValidator(lambda raw: () if raw in (None, "") else raw)


class Counts(BaseModel):
    """Dossiers by state. open: accepted and not ended, paused ones included. ended: since `ended_from`."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    open: Count = None
    overdue: Count = None
    ended: Count = None

    def given(self) -> dict[str, int]:
        return self.model_dump(include={"open", "overdue", "ended"}, exclude_none=True)


class UnitCounts(Counts):
    """The same of one unit, as the source writes it."""

    unit: Annotated[Word, Field(min_length=1)]


class Census(BaseModel):
    """One part of a census; counts may stand in any of them. overdue: codes of open dossiers past their due date."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    taken_at: SomeMoment
    part: Annotated[int, Field(strict=True, ge=1, le=PARTS_AT_MOST)] = 1
    parts: Annotated[int, Field(strict=True, ge=1, le=PARTS_AT_MOST)] = 1
    counts: Counts = Counts()
    ended_from: Moment = None
    units: Annotated[tuple[UnitCounts, ...], NothingIfNull, Field(max_length=UNITS_AT_MOST)] = ()
    overdue: Annotated[tuple[Code, ...], NothingIfNull, Field(max_length=CODES_AT_MOST)] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Census:
        if self.part > self.parts:
            raise ValueError("`part` is beyond `parts`")
        if self.ended_from and self.ended_from > self.taken_at:
            raise ValueError("`ended_from` is after `taken_at`")
        return self


class CensusStatement(BaseModel):
    """What a source says of its own dossiers as a whole."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    specversion: Literal["1.0"]
    id: Named
    source: Named
    time: Moment = None
    data: Census


TYPES = {CENSUS: CensusStatement}


def thing_of(stated: CensusStatement, *, source: str) -> str:
    """Return the key under which a census is one thing."""
    return f"census/{source}/{stated.data.taken_at}"


def event_of(stated: CensusStatement, *, source: str, mirror: bool) -> dict[str, Any]:
    """Return the `data` of the event that says it."""
    census = stated.data
    return {
        "source": source,
        "mirror": mirror,
        "taken_at": census.taken_at,
        "part": census.part,
        "parts": census.parts,
        "counts": census.counts.given(),
        "ended_from": census.ended_from,
        "units": {unit.unit: unit.given() for unit in census.units},
        "overdue": sorted({key_of(code) for code in census.overdue}),
    }


def fact_of_part(stated: CensusStatement, event: Mapping[str, Any], *, receipt: Receipt) -> Fact:
    """Return what intake remembers of a part: enough to tell a repeat from a correction, not the part itself."""
    source, as_of = event["source"], stated.time or stated.data.taken_at
    digest = hashlib.blake2b(orjson.dumps(event, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
    said = Assertion(f"part.{stated.data.part}", digest, stated.data.taken_at, as_of, 0)
    key = thing_of(stated, source=source)
    return fact_of(key, said, name=said, heard=receipt.heard, source=source, mirror=event["mirror"])
