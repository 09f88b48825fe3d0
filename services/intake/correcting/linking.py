"""Two codes that are one dossier: what was said under each is said again under the one that the dossier goes by.

Each code keeps its own row and hears its own messages, under its own lock; its row knows which dossier it is of. So a
link that is taken back leaves each with what was said of it, and hearing costs nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake import store
from services.intake.correcting import marks
from services.intake.correcting import store as links_store
from services.intake.correcting.store import Link
from services.intake.facts import key_of
from services.intake.memory import Memory
from services.intake.saying import dossier_said
from shared import tracing
from shared.cloudevents import Outgoing
from shared.events import Fact
from shared.instants import canonical

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody says that two codes are one dossier. code, other: as written."""

    code: str
    other: str
    fact: Fact
    at: datetime
    trace: str = tracing.NONE

    @property
    def ends(self) -> tuple[str, str]:
        return key_of(self.code), key_of(self.other)


class TooManyCodesError(ValueError):
    """A dossier would have too many codes."""


class _Cause(NamedTuple):
    """When and by what message a code moves."""

    at: datetime
    trace: str = tracing.NONE


async def join(
    connection: AsyncConnection, claims: Sequence[Claim], *, heard: Mapping[str, str] = NOTHING
) -> tuple[list[Outgoing], list[bool | None]]:
    """Take in claims; returns the events, and of each claim whether it is new, None where it is refused.

    A claim is refused where the dossier would have more than NAMES_AT_MOST codes: such a word is no code of anything.
    heard: what else the transaction is going to hear of, by key its code as written. Its things are locked here with
    those that move, in the order of keys: another copy locks them in that order, and each would wait for the other.
    """
    await links_store.lock_links(connection)
    known = await links_store.list_links(connection, sorted({end for claim in claims for end in claim.ends}))
    groups = marks.groups_of((link.one, link.other) for link in known if link.retraction is None)
    was = {key: marks.goes_by(group) for key, group in groups.items()}
    outcomes = list(_judged(claims, known, groups))
    new = [claim for claim, is_new in zip(claims, outcomes, strict=True) if is_new]
    if not new:
        return [], outcomes
    await links_store.put_links(connection, [Link(*claim.ends, claim.fact) for claim in new])
    written = {end: code for one in new for end, code in zip(one.ends, (one.code, one.other), strict=True)}
    causes = {name: _Cause(claim.at, claim.trace) for claim in new for name in groups[claim.ends[0]]}
    memories = await _locked(connection, sorted(causes.keys() | heard.keys()), {**heard, **written})
    before = {name: was.get(name, name) for name in causes}
    after = {name: marks.goes_by(groups[name]) for name in causes}
    moving = {name: memories[name] for name in causes}
    return await _say_again(connection, moving, before, after, causes), outcomes


def _judged(claims: Sequence[Claim], known: Sequence[Link], groups: dict[str, set[str]]) -> Iterator[bool | None]:
    """Yield what `join` returns of each claim; `groups` take in those that are new."""
    ids = {link.fact["id"] for link in known}
    holding = {(*sorted((link.one, link.other)), link.fact["source"]) for link in known if link.retraction is None}
    for claim in claims:
        one, other = claim.ends
        says = (*sorted(claim.ends), claim.fact["source"])
        if claim.fact["id"] in ids or says in holding:  # heard before, or its source says so already and that holds
            yield False
        elif len(groups.get(one, {one}) | groups.get(other, {other})) > marks.NAMES_AT_MOST:
            yield None
        else:
            marks.add_link(groups, one, other)
            ids.add(claim.fact["id"])
            holding.add(says)
            yield True


async def part(connection: AsyncConnection, link: Link, retraction: Fact | None, *, at: datetime) -> list[Outgoing]:
    """Take a link back, or with no retraction restore it; call it behind `lock_links`. raises: TooManyCodesError."""
    known = await links_store.list_links(connection, [link.one, link.other])
    changed = replace(link, retraction=retraction)
    after = _dossiers([changed if one.fact["id"] == link.fact["id"] else one for one in known])
    if len(after) > marks.NAMES_AT_MOST:
        raise TooManyCodesError(f"a dossier has {marks.NAMES_AT_MOST} codes at most")
    await links_store.put_links(connection, [changed])
    before = _dossiers(known)
    memories = await _locked(connection, sorted(before.keys() | after.keys()), {})
    return await _say_again(connection, memories, before, after, dict.fromkeys(memories, _Cause(at)))


def _dossiers(links: Sequence[Link]) -> dict[str, str]:
    return marks.dossiers_of((link.one, link.other) for link in links if link.retraction is None)


async def _say_again(
    connection: AsyncConnection,
    memories: Mapping[str, Memory],
    before: Mapping[str, str],
    after: Mapping[str, str],
    causes: Mapping[str, _Cause],
) -> list[Outgoing]:
    """Say under each dossier what is now said of it, and what no longer is. memories: all that may move, locked."""
    events: list[Outgoing] = []
    for key, memory in memories.items():
        kept_back = memory.tell_all()
        dossier = after.get(key, key)
        memory.known_as = memories[dossier].raw_code if dossier != key else None
        if before.get(key, key) == dossier and kept_back:
            of, cause = memories[dossier].raw_code, causes[key]
            events += dossier_said(dossier, of, kept_back, at=cause.at, trace=cause.trace, said_of=key)
    moves = marks.moves(before, after)
    revision = await links_store.next_revision(connection) if moves else 0
    for move in moves:
        events += _say_move(*move, memories, revision=revision, cause=causes[move[0]])
    await store.put_things(connection, memories)
    return events


def _say_move(
    name: str,
    was: str,
    now: str,
    memories: Mapping[str, Memory],
    *,
    revision: int,
    cause: _Cause,
) -> list[Outgoing]:
    """Say that what is said under `name` was of one dossier and now is of another; its own facts go there."""
    facts = list(memories[name].facts.values())
    stamp = canonical(cause.at)
    leaves = marks.same(name, was, holds=False, revision=revision, at=stamp)
    joins = marks.same(name, now, holds=True, revision=revision, at=stamp)

    def say(key: str, said: Sequence[Fact], said_of: str | None = None) -> list[Outgoing]:
        of = memories[key].raw_code
        return dossier_said(key, of, said, at=cause.at, trace=cause.trace, said_of=said_of)

    events = say(was, [leaves]) if was != name else []
    if now == name:
        return events + say(name, [leaves, *facts])
    return events + say(name, [joins]) + say(now, [joins, *facts], said_of=name)


async def _locked(connection: AsyncConnection, keys: Sequence[str], written: Mapping[str, str]) -> dict[str, Memory]:
    """Return what is remembered under each key, locked; a code never heard of is remembered from now on."""
    while True:
        known = await store.lock_things(connection, keys)
        unknown = {key: Memory(raw_code=written.get(key, key)) for key in keys if key not in known}
        if not unknown:
            return {key: known[key] for key in keys}
        await store.add_things(connection, unknown)
