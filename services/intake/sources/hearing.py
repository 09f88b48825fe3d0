"""What the register has to do with each batch of FEED: who speaks, whether they may, and that they were heard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.sources import heard_store, store
from services.intake.sources.heard_store import State, Watched
from services.intake.sources.register import NAME, RESERVED, Register, Role, Source
from services.intake.sources.silence import HOUR_MIN, Hour
from shared.clock import PROVINCE_ZONE, WallClock, machine_now, monotonic_s
from shared.cloudevents import Outgoing, outgoing
from shared.events import SourceHeard
from shared.instants import canonical
from shared.service import Running

BEHIND_S = 60  # a batch older than this shows that messages wait; so may they after a start


@dataclass(frozen=True)
class Present:
    """The register as of one batch, and when its sources were heard before."""

    register: Register
    states: Mapping[str, State]


class Reach:
    """Whether this process may be behind the stream: then nobody can be called silent, their messages may wait."""

    def __init__(self) -> None:
        self._behind_until_s = 0.0

    async def start(self, running: Running) -> None:
        """Give this process a minute in which to hear what came while it was away; ticks come behind all data."""
        self._behind_until_s = monotonic_s() + BEHIND_S if isinstance(running.clock, WallClock) else 0

    def note(self, newest: datetime, *, driven: bool) -> None:
        """Take notice of a batch. newest: when FEED stored its last message. driven: ticks come behind all data."""
        behind = not driven and (machine_now() - newest).total_seconds() > BEHIND_S
        self._behind_until_s = monotonic_s() + BEHIND_S if behind else 0

    def is_behind(self) -> bool:
        return monotonic_s() < self._behind_until_s


REACH = Reach()


def first_heard(name: str, *, mirror: bool, at: datetime) -> Source:
    """Return what is entered of a source that speaks before anybody registered it."""
    role: Role = "mirror" if mirror else "primary"
    return Source(name, "", role, True, False, True, None, None, None, "heard", at)


async def meet(connection: AsyncConnection, names: Collection[str], *, is_mirror: Callable[[str], bool]) -> Present:
    """Return the register, with those in it that speak for the first time; odd names are never registered.

    One question to the database where nothing changed since the last batch.
    """
    version, states = await heard_store.find_states(connection, sorted(names))
    register = await store.read(connection, version=version)
    unknown = [name for name in sorted(names) if name not in register.sources and NAME.fullmatch(name)]
    unknown = [name for name in unknown if name not in RESERVED]
    if unknown:
        await store.lock(connection)
        now = machine_now()
        added = await store.add_sources(
            connection, [first_heard(name, mirror=is_mirror(name), at=now) for name in unknown]
        )
        why = "spoke for the first time"
        await store.add_audit(connection, [store.AuditLine(now, name, "registered", why, "") for name in sorted(added)])
        await store.change(connection)
        register = await store.read(connection)
    return Present(register, states)


async def remember(
    connection: AsyncConnection, present: Present, heard: Iterable[tuple[str, datetime]], *, look_min: int
) -> list[Outgoing]:
    """Remember when sources were heard, a minute at a time; returns the events of those that were silent.

    heard: name and receipt of every message that a source itself sent, in order.
    """
    minutes: dict[str, list[datetime]] = defaultdict(list)
    for name, at in heard:
        minute = at.astimezone(PROVINCE_ZONE).replace(second=0, microsecond=0)
        known = minutes[name][-1] if minutes[name] else None
        if minute != known and (name not in present.states or minute > present.states[name].heard_at):
            minutes[name].append(minute)
    newest = {name: max(of) for name, of in minutes.items() if of and name in present.register.sources}
    if not newest:
        return []
    hours = [(name, hour) for name in newest for hour in hours_of(minutes[name])]
    await heard_store.put_heard(connection, newest, hours, look_min=look_min)
    back = [name for name in newest if (state := present.states.get(name)) and state.silent_since]
    return [
        await end_silence(connection, one, at=newest[one.source], look_at=newest[one.source])
        for one in (await heard_store.lock_silent(connection, back) if back else ())
    ]


def hours_of(minutes: Iterable[datetime]) -> list[Hour]:
    """Return the hours of some minutes in which a source was heard."""
    of_hour: dict[datetime, list[int]] = defaultdict(list)
    for minute in sorted(minutes):
        of_hour[minute.replace(minute=0)].append(minute.minute)
    return [
        Hour(at.date(), at.hour, of[0], of[-1], max((b - a for a, b in pairwise(of)), default=0))
        for at, of in of_hour.items()
    ]


async def end_silence(connection: AsyncConnection, one: Watched, *, at: datetime, look_at: datetime | None) -> Outgoing:
    """Say that a source is not silent any more. look_at: None = nobody asks any more whether it is."""
    await heard_store.mark_heard(connection, one.source, look_at=look_at)
    revision = one.revision + 1
    return outgoing(
        SourceHeard,
        id=f"source:{one.source}:{revision}",
        about=one.source,
        time=at,
        data={
            "source": one.source,
            "revision": revision,
            "since": canonical((one.silent_since or one.heard_at).astimezone(PROVINCE_ZONE)),
            "usual_gap_s": (one.allowed_min or HOUR_MIN) * 60,
            "at": canonical(at.astimezone(PROVINCE_ZONE)),
            "because": "heard" if look_at else "not_watched",
        },
    )
