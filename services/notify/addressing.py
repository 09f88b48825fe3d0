"""The copy of the directory, and giving each line with news its post and its slot: their SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.directory import Directory, Meant, directory
from services.notify.policy import NEAR, Policy
from shared.events import ObligationChanged, UnitDescribed


async def put_units(connection: AsyncConnection, units: Iterable[UnitDescribed]) -> None:
    """Keep the highest revision of each unit."""
    latest: dict[str, UnitDescribed] = {}
    for unit in units:
        if unit.code not in latest or unit.revision > latest[unit.code].revision:
            latest[unit.code] = unit
    ordered = [latest[code] for code in sorted(latest)]
    await connection.execute(
        text(
            "INSERT INTO notify.unit AS known (code, revision, doc) SELECT * FROM unnest(CAST(:codes AS text[]), "
            "CAST(:revisions AS bigint[]), CAST(:docs AS jsonb[])) ON CONFLICT (code) DO UPDATE "
            "SET revision = excluded.revision, doc = excluded.doc WHERE excluded.revision > known.revision"
        ),
        {
            "codes": [unit.code for unit in ordered],
            "revisions": [unit.revision for unit in ordered],
            "docs": [unit.model_dump_json() for unit in ordered],
        },
    )


async def get_directory(connection: AsyncConnection, *, policy: Policy) -> Directory:
    rows = await connection.execute(text("SELECT doc FROM notify.unit ORDER BY code"))
    units = (UnitDescribed.model_validate(doc) for doc in rows.scalars())
    return directory(units, province=policy.province, oversight=policy.oversight)


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


async def forget_posts(connection: AsyncConnection) -> None:
    """Let what no head was told of yet be addressed anew: the directory changed. Withheld lines are news again."""
    await connection.execute(
        text(
            "UPDATE notify.line SET post = NULL, news = CASE WHEN told > :near THEN 'changed' ELSE 'new' END "
            "WHERE told < level AND news IS DISTINCT FROM 'settled'"
        ),
        {"near": NEAR},
    )


OF_RECEIVING = "CASE WHEN l.role = 'receiving' THEN coalesce(o.doc->>'{0}', '') ELSE o.{0} END"
UNIT, NAME = OF_RECEIVING.format("unit"), OF_RECEIVING.format("unit_name")  # the words for whose head a line is


async def address(connection: AsyncConnection, units: Directory, *, slot: datetime) -> None:
    """Give lines with news a post, by the directory as it is now, and the digest slot they wait for."""
    rows = await connection.execute(
        text(
            f"SELECT DISTINCT {UNIT} AS unit, {NAME} AS unit_name, l.role FROM notify.line l JOIN notify.obligation o "
            "ON o.id = l.obligation_id WHERE l.news IS NOT NULL AND l.post IS NULL ORDER BY 1, 2, 3"
        )
    )
    meant = list(rows.all())
    if meant:
        spoken: list[dict[str, Any]] = [{"unit": r.unit or None, "unit_name": r.unit_name or None} for r in meant]
        values = {
            "units": [r.unit for r in meant],
            "names": [r.unit_name for r in meant],
            "roles": [r.role for r in meant],
            "posts": [units.post(**who, role=r.role) for who, r in zip(spoken, meant, strict=True)],
            "resolved": [units.resolve(**who) for who in spoken],
        }
        given = (
            "unnest(CAST(:units AS text[]), CAST(:names AS text[]), CAST(:roles AS text[]), CAST(:posts AS text[]), "
            "CAST(:resolved AS text[])) AS m(unit, unit_name, role, post, resolved) "
            f"WHERE {UNIT} = m.unit AND {NAME} = m.unit_name AND l.obligation_id = o.id AND l.role = m.role "
            "AND l.news IS NOT NULL AND l.post IS NULL"
        )
        await connection.execute(
            text(
                f"UPDATE notify.obligation o SET resolved = m.resolved FROM notify.line l, {given} "
                "AND l.role <> 'receiving' AND o.resolved IS DISTINCT FROM m.resolved"
            ),
            values,
        )
        await connection.execute(
            text(f"UPDATE notify.line l SET post = m.post FROM notify.obligation o, {given}"), values
        )
    await connection.execute(
        text("UPDATE notify.line SET slot_at = :slot WHERE news IS NOT NULL AND post IS NOT NULL AND slot_at IS NULL"),
        {"slot": slot},
    )


async def is_anything_unplaced(connection: AsyncConnection) -> bool:
    found = await connection.execute(
        text("SELECT EXISTS (SELECT 1 FROM notify.line WHERE news IS NOT NULL AND (post IS NULL OR slot_at IS NULL))")
    )
    return bool(found.scalar_one())
