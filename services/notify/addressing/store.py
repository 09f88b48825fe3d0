"""The copy of the directory, and giving each line with news its post and its slot: their SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import orjson
from sqlalchemy import Engine, Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.addressing import absences, mending
from services.notify.addressing.directory import Addressed, Directory, Meant, directory
from services.notify.policies.policy import NEAR, NOTHING, Policy, Role
from shared.clock import PROVINCE_ZONE
from shared.events import ObligationChanged, UnitDescribed

_known: WeakKeyDictionary[Engine, tuple[Any, Directory]] = WeakKeyDictionary()


async def put_units(connection: AsyncConnection, units: Iterable[UnitDescribed]) -> list[tuple[str, int]]:
    """Keep the highest revision of each unit; returns code and revision of those that are new."""
    latest: dict[str, UnitDescribed] = {}
    for unit in units:
        if unit.code not in latest or unit.revision > latest[unit.code].revision:
            latest[unit.code] = unit
    ordered = [latest[code] for code in sorted(latest)]
    rows = await connection.execute(
        text(
            "INSERT INTO notify.unit AS known (code, revision, doc) SELECT * FROM unnest(CAST(:codes AS text[]), "
            "CAST(:revisions AS bigint[]), CAST(:docs AS jsonb[])) ON CONFLICT (code) DO UPDATE "
            "SET revision = excluded.revision, doc = excluded.doc WHERE excluded.revision > known.revision "
            "RETURNING code, revision"
        ),
        {
            "codes": [unit.code for unit in ordered],
            "revisions": [unit.revision for unit in ordered],
            "docs": [unit.model_dump_json() for unit in ordered],
        },
    )
    return [(row.code, row.revision) for row in rows]


async def get_directory(connection: AsyncConnection, *, policy: Policy, at: datetime) -> Directory:
    """Return the directory as it is on the day of `at`; it is put together once for each state of it."""
    units, revisions = (await connection.execute(text("SELECT count(*), sum(revision) FROM notify.unit"))).one()
    told, absent = await absences.standing(connection)
    state = units, revisions, told, policy.province, policy.oversight  # revisions only rise, and no unit goes
    known = _known.get(connection.engine.sync_engine)
    on = at.astimezone(PROVINCE_ZONE).date().isoformat()
    if known is None or known[0] != state:
        rows = await connection.execute(text("SELECT doc FROM notify.unit ORDER BY code"))
        found = absences.laid_over((UnitDescribed.model_validate(doc) for doc in rows.scalars()), absent)
        known = state, directory(found, province=policy.province, oversight=policy.oversight, on=on)
    if known[1].on != on:
        known = state, replace(known[1], on=on)
    _known[connection.engine.sync_engine] = known
    return known[1]


async def look_up(
    connection: AsyncConnection, units: Directory, obligations: Sequence[ObligationChanged], *, at: datetime
) -> dict[str, Meant]:
    """Return who must act on each obligation at `at`; a step is looked up beside its dossier."""
    rows = await connection.execute(
        text("SELECT id, doc->>'unit_name' AS name FROM notify.obligation WHERE id = ANY(:parents)"),
        {"parents": [of.parent for of in obligations if of.kind == "step" and of.parent]},
    )
    names = {row.id: row.name for row in rows}
    return {
        of.obligation_id: units.meant(of, parent_name=names.get(of.parent) if of.parent else None, at=at)
        for of in obligations
    }


# A mail that nobody will ever get, of a matter that no later one of that post spoke of.
REFUSED_FOR_GOOD = (
    "FROM notify.notice n JOIN notify.notice_item i ON i.notice_id = n.id "
    "JOIN notify.line l ON l.obligation_id = i.obligation_id AND l.post = n.post AND l.former = '' "
    "AND l.news IS NULL AND l.told >= l.level "
    "WHERE (n.status = 'failed' OR n.receipt = 'failed' OR n.reason = 'dead_address') AND n.channel = 'email' "
    "AND n.instead_of = '' AND NOT EXISTS (SELECT FROM notify.notice_item k "
    "JOIN notify.notice later ON later.id = k.notice_id WHERE k.obligation_id = i.obligation_id "
    "AND later.post = n.post AND later.channel = 'email' AND later.slot > n.slot)"
)


async def forget_refused(connection: AsyncConnection, units: Directory) -> None:
    """Let what mails tell that were refused for good count as told to nobody, where the post has another address now.

    units: as they are now, on the day.
    """
    refused = await connection.execute(text(f"SELECT DISTINCT n.post, n.recipient {REFUSED_FOR_GOOD} ORDER BY 1, 2"))
    mended = [(row.post, row.recipient) for row in refused if _is_elsewhere(units, row.post, row.recipient)]
    if not mended:
        return
    await connection.execute(
        text(
            "UPDATE notify.line t SET told = :nothing FROM (SELECT l.obligation_id, l.role, l.former "
            f"{REFUSED_FOR_GOOD} AND (n.post, n.recipient) IN (SELECT * FROM unnest(CAST(:posts AS text[]), "
            "CAST(:recipients AS text[]))) ORDER BY 1, 2, 3 FOR UPDATE OF l) AS m "
            "WHERE t.obligation_id = m.obligation_id AND t.role = m.role AND t.former = m.former"
        ),
        {"nothing": NOTHING, "posts": [post for post, _ in mended], "recipients": [to for _, to in mended]},
    )


def _is_elsewhere(units: Directory, post: str, recipient: str) -> bool:
    """Return whether mail to a post goes to another address than that one."""
    contact = units.contact(post)
    return contact is not None and (contact.email or "").strip().casefold() != recipient.strip().casefold()


async def forget_posts(connection: AsyncConnection) -> None:
    """Let what no head was told of yet be addressed anew: the directory is another. Withheld lines are news again."""
    await connection.execute(
        text(
            "UPDATE notify.line SET post = NULL, news = CASE WHEN told > :near THEN 'changed' ELSE 'new' END "
            "WHERE told < level AND news IS DISTINCT FROM 'settled'"
        ),
        {"near": NEAR},
    )


OF_RECEIVING = "CASE WHEN l.role = 'receiving' THEN coalesce({1}, '') ELSE o.{0} END"
# the words for whose head a line is: where deadline knows which unit is meant, its code alone
UNIT = OF_RECEIVING.format("unit", "o.doc->>'unit_code', o.doc->>'unit'")
NAME = OF_RECEIVING.format("unit_name", "CASE WHEN o.doc->>'unit_code' IS NULL THEN o.doc->>'unit_name' END")
PLACED = ("ids", "roles", "formers", "posts", "had", "owns", "slots", "firsts")
RESTRICTED = "coalesce(o.doc->>'restricted', '[]')"  # who must not be told


class Words(NamedTuple):
    """For whose head a line is: the words for its unit, the role, and who must not be told, as they are stored."""

    unit: str
    unit_name: str
    role: Role
    restricted: str

    @property
    def spoken(self) -> dict[str, str | None]:
        return {"unit": self.unit or None, "unit_name": self.unit_name or None}


async def address(
    connection: AsyncConnection,
    units: Directory,
    *,
    slot_of: Callable[[str], datetime],
    soonest_of: Callable[[str], datetime],
    at: datetime,
    limit: int,
) -> int:
    """Give lines with news a post, by the directory as it is now, and the instant at which they are told.

    slot_of: when a post has its next digest. soonest_of: when what goes at once may leave to it. Where somebody was
    passed over on the way to a post, the operator has a case. limit: lines of one call.
    returns: how many were placed; as many as `limit`: there may be more.
    """
    lines = await _lock_unplaced(connection, limit=limit)
    asked: dict[Words, str] = {}
    for line, words in lines:
        if line.post is None:
            asked.setdefault(words, line.obligation_id)
    resolved = await _resolved(connection, units, asked, at=at)
    posts = await _posts(connection, units, asked, at=at)
    own = {line.obligation_id: resolved[of] for line, of in lines if line.post is None and line.role != "receiving"}
    placed = [
        (line.obligation_id, line.role, line.former, line.post, True, None)
        if line.post
        else (line.obligation_id, line.role, line.former, posts[of].post, False, posts[of].own)
        for line, of in lines
    ]
    if placed:
        slots = {post: slot_of(post) for post in {one[3] for one in placed}}
        firsts = {post: min(slot, soonest_of(post)) for post, slot in slots.items()}
        timed = [(*one, slots[one[3]], firsts[one[3]]) for one in sorted(placed)]
        await _place(connection, own, timed)
    return len(placed)


async def _lock_unplaced(connection: AsyncConnection, *, limit: int) -> list[tuple[Row[Any], Words]]:
    """Return lines with news that have no post or no instant, their obligations locked, in id order."""
    rows = await connection.execute(
        text(
            f"SELECT l.obligation_id, l.role, l.former, l.post, {UNIT} AS unit, {NAME} AS unit_name, "
            f"{RESTRICTED} AS restricted FROM notify.line l JOIN notify.obligation o ON o.id = l.obligation_id "
            "WHERE l.news IS NOT NULL AND (l.post IS NULL OR l.slot_at IS NULL) "
            "ORDER BY l.obligation_id LIMIT :limit FOR UPDATE OF o"
        ),
        {"limit": limit},
    )
    return [(row, Words(row.unit, row.unit_name, row.role, row.restricted)) for row in rows]


async def _resolved(
    connection: AsyncConnection, units: Directory, asked: Mapping[Words, str], *, at: datetime
) -> dict[Words, str | None]:
    """Return which unit words mean, and open cases for those that mean none. asked: an obligation that has each."""
    resolved = {words: units.resolve(**words.spoken) for words in asked}
    unknown = {mending.subject_of(**words.spoken): asked[words] for words, code in resolved.items() if code is None}
    await mending.open_unknown(connection, unknown, at=at)
    return resolved


async def _posts(
    connection: AsyncConnection, units: Directory, asked: Iterable[Words], *, at: datetime
) -> dict[Words, Addressed]:
    """Return whose head is told, and open cases for whom it should have been."""
    addressed = {
        words: units.addressed(**words.spoken, role=words.role, restricted=frozenset(orjson.loads(words.restricted)))
        for words in asked
    }
    await mending.open_faults(connection, [fault for one in addressed.values() for fault in one.faults], at=at)
    return addressed


async def _place(
    connection: AsyncConnection,
    resolved: Mapping[str, str | None],
    placed: Sequence[tuple[str, str, str, str, bool, str | None, datetime, datetime]],
) -> None:
    """Note what the words of obligations mean, and the post and instant of lines.

    placed: keys of lines, with post, whether they had it when they were read, the post of whose head it is the desk,
        next slot, and when what goes at once may leave.

    A line that went over to another unit meanwhile is left for the next call.
    """
    await connection.execute(
        text(
            "UPDATE notify.obligation o SET resolved = m.resolved FROM unnest(CAST(:ids AS text[]), "
            "CAST(:resolved AS text[])) AS m(id, resolved) "
            "WHERE o.id = m.id AND o.resolved IS DISTINCT FROM m.resolved"
        ),
        {"ids": list(resolved), "resolved": list(resolved.values())},
    )
    await connection.execute(
        text(
            "UPDATE notify.line l SET post = coalesce(l.post, m.post), slot_at = coalesce(l.slot_at, CASE "
            "WHEN l.at_once THEN m.first ELSE m.slot END), "
            "held = CASE WHEN l.slot_at IS NULL THEN '' ELSE l.held END, "
            "own_post = CASE WHEN m.had THEN l.own_post ELSE nullif(m.own, m.post) END "
            "FROM unnest(CAST(:ids AS text[]), CAST(:roles AS text[]), CAST(:formers AS text[]), "
            "CAST(:posts AS text[]), CAST(:slots AS timestamptz[]), CAST(:firsts AS timestamptz[]), "
            "CAST(:had AS boolean[]), CAST(:owns AS text[])) "
            "AS m(id, role, former, post, slot, first, had, own) WHERE l.obligation_id = m.id "
            "AND l.role = m.role AND l.former = m.former AND l.news IS NOT NULL AND (l.post IS NOT NULL) = m.had"
        ),
        {name: [one[at] for one in placed] for at, name in enumerate(PLACED)},
    )


async def forget_slots(connection: AsyncConnection, *, at: datetime) -> None:
    """Let news that wait for a slot after `at` be given one anew: other slots or other calendars are in force."""
    await connection.execute(
        text(
            "UPDATE notify.line l SET slot_at = NULL FROM (SELECT obligation_id, role, former FROM notify.line "
            "WHERE news IS NOT NULL AND slot_at > :at ORDER BY obligation_id, role, former FOR UPDATE) AS w "
            "WHERE l.obligation_id = w.obligation_id AND l.role = w.role AND l.former = w.former"
        ),
        {"at": at},
    )


async def is_anything_unplaced(connection: AsyncConnection) -> bool:
    found = await connection.execute(
        text("SELECT EXISTS (SELECT 1 FROM notify.line WHERE news IS NOT NULL AND (post IS NULL OR slot_at IS NULL))")
    )
    return bool(found.scalar_one())
