"""Looks each night at the dossiers received in the last days, a share at a time, and says the counts that changed.

Nothing is done when a message arrives: a walk finds a unit's dossiers of some days by a range of the table's own key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.correcting import marks
from services.intake.correcting import store as links_store
from services.intake.memory import Memory
from services.intake.quality import rules, store, walk_store
from services.intake.quality.offices import Offices, offices
from services.intake.quality.rules import Code, Dossier, Terms, code_of
from services.intake.quality.store import Row
from services.intake.quality.walk_store import Walk
from services.intake.settings import IntakeSettings
from services.intake.sources import store as sources
from services.intake.store import list_described
from shared import metrics
from shared.clock import PROVINCE_ZONE
from shared.cloudevents import Outgoing, outgoing
from shared.events import Fact, QualityCounted

SETTINGS = IntakeSettings()
DOSSIERS = 300  # of one transaction: some 10 ms in which this process hears nothing
KEYS = 20_000  # of one transaction that reads no documents
SKIMMED = 2_000  # keys in which the next agency is looked for: mostly it is the first, codes of other shapes are many
DAY = timedelta(days=1)
LAST = "~"  # behind every sign of a code

_known: WeakKeyDictionary[Engine, tuple[tuple[int, ...], Offices]] = WeakKeyDictionary()


async def perform(connection: AsyncConnection, now: datetime) -> tuple[list[Outgoing], bool]:
    """Begin the walk of the night when it is due, and take one step of the oldest that is unfinished.

    says: intake.quality_counted.v1 for each unit's day whose counts changed.
    """
    newest, unfinished = await walk_store.find_state(connection)
    begun = await _begin(connection, newest, now)
    walk = await walk_store.lock_unfinished(connection) if begun or unfinished else None
    if walk is None:
        return [], False
    events, finished = await _step(connection, walk, now)
    await walk_store.put_walk(connection, walk, finished_at=now if finished else None)
    return events, True


async def next_at(connection: AsyncConnection) -> datetime | None:
    """Return when the next walk is due; the first is begun at the first sweep."""
    newest, unfinished = await walk_store.find_state(connection)
    if unfinished or not SETTINGS.quality_days:
        return unfinished
    return newest + DAY if newest else None


async def observe(connection: AsyncConnection, _: datetime) -> None:
    metrics.set_all(metrics.quality_flags, await store.count_by_flag(connection))


async def _begin(connection: AsyncConnection, newest: datetime | None, now: datetime) -> bool:
    """Begin the walk of the night, unless that was done; says whether it was done now."""
    local = now.astimezone(PROVINCE_ZONE)
    slot = datetime.combine(local.date(), SETTINGS.quality_at, PROVINCE_ZONE)
    slot = slot if slot <= local else slot - DAY
    if not SETTINGS.quality_days or (newest and newest >= slot):
        return False
    first = local.date() - timedelta(days=SETTINGS.quality_days)
    return await walk_store.add_walk(connection, slot=slot, first=first, last=local.date(), now=now) is not None


async def _step(connection: AsyncConnection, walk: Walk, now: datetime) -> tuple[list[Outgoing], bool]:
    """Take one step; returns what is said and whether the walk is at its end.

    stages: `agency` looks for the next one behind the last; `numbers` and `dossiers` go through its days; behind the
    last agency `earlier` looks again at what is flagged of days before the first.
    """
    if walk.stage == "agency":
        await _find_agency(connection, walk)
        return [], False
    known = await _offices(connection, now.astimezone(PROVINCE_ZONE).date())
    if walk.stage == "numbers":
        return await _look_at_numbers(connection, walk, known, now), False
    if walk.stage == "dossiers":
        return await _look_at_dossiers(connection, walk, known, now), False
    return await _look_at_earlier(connection, walk, known, now)


async def _find_agency(connection: AsyncConnection, walk: Walk) -> None:
    behind = f"{walk.agency}-{LAST}" if walk.agency else ""
    keys = await store.list_keys(connection, after=max(behind, walk.cursor), until=None, limit=SKIMMED)
    for key in keys:
        if code := code_of(key):
            walk.stage, walk.agency, walk.cursor = "numbers", code.agency, ""
            return
    walk.cursor = keys[-1] if keys else ""
    if not keys:
        walk.stage = "earlier"


def _range(walk: Walk) -> tuple[str, str] | None:
    """Return the keys between which the walk's next dossiers of its agency are, None behind the last.

    Dates have eight digits or six; the former come first.
    """
    for form in ("%Y%m%d", "%y%m%d"):
        low, high = (f"{walk.agency}-{day.strftime(form)}-" for day in (walk.first, walk.last))
        if walk.cursor < high + LAST:
            return max(low, walk.cursor), high + LAST
    return None


async def _look_at_numbers(connection: AsyncConnection, walk: Walk, known: Offices, now: datetime) -> list[Outgoing]:
    """Look for gaps in the days that are over. A day of so many numbers that they are no page is no unit's own."""
    if (between := _range(walk)) is None:
        walk.stage, walk.cursor = "dossiers", ""
        return []
    keys = await store.list_keys(connection, after=between[0], until=between[1], limit=KEYS)
    days = _by_prefix(keys)
    walk.cursor = between[1]
    if len(keys) == KEYS and not days:
        walk.cursor = keys[-1]
    elif len(keys) == KEYS:
        last = max(days)
        whole = days.pop(last)
        walk.cursor = f"{last}-" if days else f"{whole[0].prefix}-{LAST}"
    return await _settle_numbers(connection, days, known, now)


def _by_prefix(keys: Iterable[str]) -> dict[str, list[Code]]:
    days: dict[str, list[Code]] = defaultdict(list)
    for key in keys:
        if code := code_of(key):
            days[code.prefix].append(code)
    return days


async def _settle_numbers(
    connection: AsyncConnection, days: dict[str, list[Code]], known: Offices, now: datetime
) -> list[Outgoing]:
    today = now.astimezone(PROVINCE_ZONE).date()
    rows, looked = [], []
    for prefix, codes in days.items():
        if codes[0].day >= today:
            continue
        looked.append(prefix)
        if found := rules.missing_numbers(codes):
            unit = known.unit_of_agency(codes[0])
            rows.append(Row(prefix, found.flag, unit, found.day, found.amount, found.evidence))
    return await _settle(connection, looked, rows, now)


async def _look_at_dossiers(connection: AsyncConnection, walk: Walk, known: Offices, now: datetime) -> list[Outgoing]:
    if (between := _range(walk)) is None:
        walk.stage, walk.cursor = "agency", ""
        return []
    page = await store.list_documents(connection, after=between[0], until=between[1], limit=DOSSIERS)
    walk.cursor = page[-1][0] if len(page) == DOSSIERS else between[1]
    walk.seen += len(page)
    dossiers = await _dossiers(connection, page)
    rules.count_slips(dossiers, walk.slips)
    found = await _judge(connection, dossiers, known, now, slips=rules.giving_slips(await _shares(connection, walk)))
    return await _settle(connection, [key for key, _ in page], found, now)


async def _look_at_earlier(
    connection: AsyncConnection, walk: Walk, known: Offices, now: datetime
) -> tuple[list[Outgoing], bool]:
    """Let flags of earlier days end where they hold no longer; a slip that never came is missed on."""
    things = await store.list_flagged_before(connection, walk.first, after=walk.cursor, limit=DOSSIERS)
    if not things:
        return [], True
    walk.cursor = things[-1]
    dossiers = [thing for thing in things if code_of(thing)]
    page = await _dossiers(connection, await store.find_documents(connection, dossiers))
    shares = await _shares(connection, walk)
    unseen = {fact["source"] for dossier in page if (fact := dossier.newest("accepted"))} - shares.keys()
    found = await _judge(connection, page, known, now, slips=rules.giving_slips(shares) | unseen)
    open_now = {row.thing for row in await store.lock_open(connection, dossiers) if row.flag == "no_slip"}
    found = [row for row in found if row.flag != "no_slip" or row.thing in open_now]
    said = await _settle(connection, dossiers, found, now)
    for prefix in sorted(set(things) - set(dossiers)):
        keys = await store.list_keys(connection, after=f"{prefix}-", until=f"{prefix}-{LAST}", limit=KEYS)
        said += await _settle_numbers(connection, _by_prefix(keys), known, now)
    return said, False


async def _shares(connection: AsyncConnection, walk: Walk) -> dict[str, list[int]]:
    """Return the counts of slips that a walk goes by: of the last whole one, of sources new since then its own."""
    return {**walk.slips, **await walk_store.find_last_slips(connection)}


async def _judge(
    connection: AsyncConnection, page: Sequence[Dossier], known: Offices, now: datetime, *, slips: frozenset[str]
) -> list[Row]:
    terms = Terms(
        grace_days=SETTINGS.quality_grace_days,
        tolerance=timedelta(minutes=SETTINGS.quality_tolerance_minutes),
        mirrored=(await sources.read(connection)).has_mirrors,
    )
    rows = []
    for dossier in page:
        unit = known.unit_of(dossier)
        calendar = known.calendar_of(unit)
        for found in rules.flags_of(dossier, calendar=calendar, now=now, terms=terms, giving_slips=slips):
            rows.append(Row(dossier.key, found.flag, unit, found.day, found.amount, found.evidence))
    return rows


async def _dossiers(connection: AsyncConnection, page: Sequence[tuple[str, dict[str, object]]]) -> list[Dossier]:
    """Return the dossiers among some keys, each with what counts of all that was said under any of its codes."""
    memories = {key: Memory.of(document) for key, document in page}
    own = {key: [memory] for key, memory in memories.items() if memory.known_as is None}
    if corrected := [key for key in own if memories[key].tells_all]:
        links = await links_store.list_links(connection, corrected)
        joined = marks.dossiers_of((link.one, link.other) for link in links if link.retraction is None)
        others = [name for name, dossier in joined.items() if name != dossier and dossier in own]
        for name, document in await store.find_documents(connection, others):
            own[joined[name]].append(Memory.of(document))
    dossiers = [Dossier(key, _counting(of)) for key, of in own.items()]
    return [dossier for dossier in dossiers if dossier.facts]


def _counting(memories: Iterable[Memory]) -> list[Fact]:
    """Return the facts that nobody took back, without what is said of facts."""
    facts = [fact for memory in memories for fact in memory.facts.values()]
    gone = marks.retracted(facts)
    return [fact for fact in facts if fact["id"] not in gone and not fact["slot"].startswith(marks.MARKS)]


async def _settle(
    connection: AsyncConnection, looked: Collection[str], rows: Sequence[Row], now: datetime
) -> list[Outgoing]:
    """Store what is flagged of the things looked at, end what is no longer, and say the counts that changed."""
    if not looked:
        return []
    before = {(row.thing, row.flag): row for row in await store.lock_open(connection, looked)}
    after = {(row.thing, row.flag): row for row in rows}
    if rows:
        await store.put_flags(connection, rows, now=now)
    if ended := [row for key, row in before.items() if key not in after]:
        await store.end_flags(connection, ended, now=now)
    touched: set[tuple[str, date]] = {(row.unit, row.day) for row in ended}
    for key, row in after.items():
        known = before.get(key)
        if known is None or (known.unit, known.day, known.amount) != (row.unit, row.day, row.amount):
            touched |= {(one.unit, one.day) for one in (known, row) if one}
    return [_said(*one, now=now) for one in await store.recount(connection, touched)] if touched else []


def _said(unit: str, day: date, counts: dict[str, int], revision: int, *, now: datetime) -> Outgoing:
    about = f"quality/{unit}/{day.isoformat()}"
    data = QualityCounted(unit=unit, day=day, counts=counts, revision=revision)
    return outgoing(QualityCounted, id=f"{about}:{revision}", about=about, time=now, data=data)


async def _offices(connection: AsyncConnection, today: date) -> Offices:
    """Return the directory and the calendars as they are; made anew only where one of them changed, and each day."""
    engine = connection.engine.sync_engine
    mark = (*await store.reference_mark(connection), today.toordinal())
    kept = _known.get(engine)
    if kept is None or kept[0] != mark:
        units, calendars = await list_described(connection, "unit"), await list_described(connection, "calendar")
        kept = _known[engine] = (mark, offices(units, calendars, today=today))
    return kept[1]
