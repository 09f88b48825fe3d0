"""Which unit a word means: codes, agency ids in both shapes, names and aliases as sources write them. Pure.

A word is read as of the day on which it was said; a unit that is no more gives way to its successors of the day that is
asked about. Of several nothing is guessed: further words of the same matter single one out, or none is meant.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from shared.codes import short_agency
from shared.unit_words import normalised, parts, spoken

ENDLESS = "9999-12-31"  # the day after all that is announced
REMEMBERED = 50_000  # meanings of one state of the directory: a province has some thousand words in use
OUT_OF_FORCE = 10  # added to the rank of a claim that does not hold on the day
ALWAYS = "0000-00-00"  # before all days
NEVER = ""  # the last day, before all days, of a unit out of use of which no last day is known

Why = Literal["named", "successor", "evidence", "ambiguous", "unknown"]


class Alias(NamedTuple):
    """A word for a unit that holds for one source alone, or for a time; both days included, None is unbounded."""

    word: str
    source: str | None = None
    valid_from: str | None = None
    valid_until: str | None = None


class Unit(NamedTuple):
    """What the directory needs to know of a unit. Days as ISO 8601, both included; successors from the day after."""

    code: str
    name: str
    aliases: tuple[str, ...]
    active: bool
    valid_from: str | None = None
    valid_until: str | None = None
    successors: tuple[str, ...] = ()
    limited_aliases: tuple[Alias, ...] = ()
    parent_code: str | None = None

    @property
    def last_day(self) -> str:
        return self.valid_until or (ENDLESS if self.active else NEVER)

    def is_in_force(self, on: str) -> bool:
        return (self.valid_from or ALWAYS) <= on <= self.last_day


class Words(NamedTuple):
    """What a matter says of its unit.

    named: the words for it, the most trusted first: an agency id may be that of the unit above. hints: other words of
    the matter with the days they were said, such as the rooms that had it: they may single out one of several.
    """

    named: tuple[str, ...]
    source: str | None = None
    said_on: str = ENDLESS
    hints: tuple[tuple[str, str], ...] = ()


class Meaning(NamedTuple):
    """The unit meant. candidates: the several of which nothing singles one out. evidence: the words that did."""

    code: str | None
    why: Why
    candidates: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class _Claim(NamedTuple):
    """A unit's claim to a word; the lower rank is the better one."""

    rank: int
    code: str
    source: str | None
    since: str
    until: str


UNKNOWN = Meaning(None, "unknown")
OF_SOURCE, CODE, NAME, ALIAS = range(4)


class Directory:
    """The index of one state of the directory; build it once for a state.

    A word that several units claim goes to the one with the better claim: in force on the day before out of force,
    then one source's own alias before code before name before alias. Between equal claims it is ambiguous.
    """

    def __init__(self, units: Iterable[Unit]) -> None:
        self.units = {unit.code: unit for unit in units}
        self._claims: dict[str, list[_Claim]] = {}
        for unit in self.units.values():
            for word, claim in _claims(unit):
                if word:
                    self._claims.setdefault(word, []).append(claim)
        self._eras = sorted(set(_turns(self.units.values())))
        self._sources = {alias.source for unit in self.units.values() for alias in unit.limited_aliases}
        self._mean = lru_cache(maxsize=REMEMBERED)(self._work_out)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Directory) and self.units == other.units

    __hash__ = None  # type: ignore[assignment]

    def meaning(self, words: Words, *, on: str = ENDLESS) -> Meaning:
        """Return which unit is meant, as it is on the day `on`."""
        if not self.units:
            return UNKNOWN
        source = words.source if words.source in self._sources else None
        hints = tuple([(text, self._era(said_on)) for text, said_on in words.hints]) if words.hints else ()
        return self._mean(Words(words.named, source, self._era(words.said_on), hints), self._era(on))

    def successors(self, code: str, *, on: str) -> tuple[str, ...]:
        """Return the units that stand on the day `on` for a unit: itself while in force, or where none is named."""
        found: dict[str, None] = {}
        waiting, seen = [code], set()
        while waiting:
            at = waiting.pop(0)
            if at in seen or at not in self.units:
                continue
            seen.add(at)
            unit = self.units[at]
            if unit.successors and unit.last_day < on:
                waiting = [*unit.successors, *waiting]
            else:
                found[at] = None
        return tuple(found) or (code,)

    def turns(self, *, after: str, until: str) -> list[str]:
        """Return the days after `after`, up to `until`, on which some word may begin to mean another unit."""
        return self._eras[bisect_right(self._eras, after) : bisect_right(self._eras, until)]

    def _era(self, on: str) -> str:
        """Return the first day of the span with `on` in it in which nothing begins or ends."""
        at = bisect_right(self._eras, on)
        return self._eras[at - 1] if at else ALWAYS

    def _work_out(self, words: Words, on: str) -> Meaning:
        for at, word in enumerate(words.named):
            first, *rest = parts(word)
            named = self._named(word, words, on)
            if not named and rest:
                named = self._named(first, words, on)
            if len(named) == 1:
                return Meaning(named[0], "named" if named[0] in self._claimants(word, words) else "successor")
            if named:
                others = [(text, words.said_on) for text in (*rest, *words.named[:at], *words.named[at + 1 :])]
                return self._singled_out(named, [*others, *words.hints], words, on)
        return UNKNOWN

    def _named(self, word: str, words: Words, on: str) -> tuple[str, ...]:
        stand = (code for claimant in self._claimants(word, words) for code in self.successors(claimant, on=on))
        return tuple(dict.fromkeys(stand))

    def _claimants(self, word: str, words: Words) -> list[str]:
        """Return the units with the best claim to a word said on a day by a source."""
        return self._best(word, words, self.units)

    def _best(self, word: str, words: Words, among: Container[str]) -> list[str]:
        ranked = [
            (claim.rank if claim.since <= words.said_on <= claim.until else claim.rank + OUT_OF_FORCE, claim.code)
            for claim in self._claims.get(normalised(word), ())
            if claim.source in (None, words.source) and claim.code in among
        ]
        best = min(ranked, default=(0, ""))[0]
        return sorted({code for rank, code in ranked if rank == best})

    def _singled_out(
        self, candidates: Sequence[str], others: Iterable[tuple[str, str]], words: Words, on: str
    ) -> Meaning:
        """Return the one of several that all other words which point at any of them point at."""
        left, evidence = set(candidates), []
        for other, said_on in dict.fromkeys(others):
            pointed = self._pointed(other, candidates, words._replace(said_on=said_on), on)
            if pointed and len(pointed) < len(candidates):
                left &= pointed
                evidence.append(other)
        if len(left) == 1:
            return Meaning(left.pop(), "evidence", evidence=tuple(evidence))
        return Meaning(None, "ambiguous", tuple(code for code in candidates if code in left) or tuple(candidates))

    def _pointed(self, text: str, candidates: Sequence[str], words: Words, on: str) -> set[str]:
        """Return those of `candidates` that a word means, is a part of, or holds the name of."""
        meant = {self._at_or_above(code, candidates) for code in self._named(text, words, on)} - {None}
        if meant:
            return {code for code in meant if code}
        text_of = f" {spoken(text)} "
        found = {
            phrase: name
            for code in candidates
            for phrase, name in _phrases(self.units[code])
            if f" {phrase} " in text_of
        }
        whole = [name for phrase, name in found.items() if not any(_is_within(phrase, other) for other in found)]
        return {code for name in whole for code in self._best(name, words, candidates)}

    def _at_or_above(self, code: str | None, candidates: Sequence[str]) -> str | None:
        seen: set[str] = set()
        while code and code not in candidates and code not in seen:
            seen.add(code)
            code = self.units[code].parent_code if code in self.units else None
        return code if code in candidates else None


def unit_of(document: Mapping[str, Any]) -> Unit:
    """Return a unit from its document as JSON; what an older release stored lacks the later members."""
    return Unit(
        document["code"],
        document["name"],
        tuple(document["aliases"]),
        document["active"],
        document.get("valid_from"),
        document.get("valid_until"),
        tuple(document.get("successors", ())),
        tuple(
            Alias(one["word"], one["source"], one["valid_from"], one["valid_until"])
            for one in document.get("limited_aliases", ())
        ),
        document.get("parent_code"),
    )


def directory(units: Iterable[Unit]) -> Directory:
    """Return the index that `resolve` reads."""
    return Directory(units)


def resolve(directory: Directory, unit_name: str | None, unit: str | None, *, on: str = ENDLESS) -> str | None:
    """Return the code of the unit that two words mean today, or None. The name goes first."""
    named = tuple(word for word in (unit_name, unit) if word)
    return directory.meaning(Words(named, said_on=on), on=on).code if named else None


def _is_within(phrase: str, other: str) -> bool:
    return phrase != other and f" {phrase} " in f" {other} "


@lru_cache(maxsize=2_000)
def _phrases(unit: Unit) -> Sequence[tuple[str, str]]:
    """Return the names of a unit that may stand within a text, of two words at least, as they are there and here."""
    names = (unit.name, *unit.aliases, *(alias.word for alias in unit.limited_aliases))
    return [(phrase, name) for name in names if " " in (phrase := spoken(name)) and not short_agency(name)]


def _claims(unit: Unit) -> Iterable[tuple[str, _Claim]]:
    since, until = unit.valid_from or ALWAYS, unit.last_day
    for rank, word in ((CODE, unit.code), (NAME, unit.name), *((ALIAS, alias) for alias in unit.aliases)):
        yield normalised(word), _Claim(rank, unit.code, None, since, until)
    for alias in unit.limited_aliases:
        rank = OF_SOURCE if alias.source else ALIAS
        if alias.valid_from or alias.valid_until:
            claim = _Claim(rank, unit.code, alias.source, alias.valid_from or ALWAYS, alias.valid_until or ENDLESS)
        else:
            claim = _Claim(rank, unit.code, alias.source, since, until)
        yield normalised(alias.word), claim


def _turns(units: Iterable[Unit]) -> Iterable[str]:
    """Yield the days on which something begins, or has ended the day before."""
    for unit in units:
        for since, until in (
            (unit.valid_from, unit.valid_until),
            *((alias.valid_from, alias.valid_until) for alias in unit.limited_aliases),
        ):
            if since:
                yield since
            if until and until < ENDLESS:
                yield (date.fromisoformat(until) + timedelta(days=1)).isoformat()
