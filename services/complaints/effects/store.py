"""Counts of feedback by the unit that it counts against. SQL over one index that holds all that is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.effects.figures import COUNTS, Counts
from services.complaints.permissions import COUNTED, Actor, visible_values

DDL = (
    """
    ALTER TABLE {schema}.complaint
        ADD COLUMN about_unit text,
        ADD COLUMN has_dossier boolean NOT NULL DEFAULT false,
        ADD COLUMN screening_due_at timestamptz,
        ADD COLUMN screened_at timestamptz,
        ADD COLUMN answer_due_at timestamptz
    """,
    "UPDATE {schema}.complaint SET has_dossier = true WHERE dossier IS NOT NULL AND NOT restricted",
    """
    CREATE INDEX complaint_effect ON {schema}.complaint (filed_at) INCLUDE (
        about_unit, kind, kind_by, restricted, not_to, categories, rating, reopened, answered_at, screening_due_at,
        screened_at, answer_due_at, dossier, has_dossier
    ) WHERE NOT restricted
    """,
)
PAKN = "c.kind <> 'complaint'"  # what is restricted is not among the rows: a reflection or a recommendation
WAYS = {
    "received": PAKN,
    "complaints": f"NOT {PAKN}",
    "classified": f"{PAKN} AND c.screened_at <= c.screening_due_at",
    "classified_late": f"{PAKN} AND c.screening_due_at < coalesce(c.screened_at, :now)",
    "answered": f"{PAKN} AND c.answered_at IS NOT NULL",
    "answered_on_time": f"{PAKN} AND c.answered_at <= c.answer_due_at",
    "overdue": f"{PAKN} AND c.answer_due_at < coalesce(c.answered_at, :now)",
    "disliked": f"{PAKN} AND c.rating <= :disliked",
    "repeated": f"{PAKN} AND c.reopened > 0",
    "sealed_dossiers": f"{PAKN} AND c.has_dossier AND c.dossier IS NULL",
}


async def count(
    connection: AsyncConnection,
    actor: Actor,
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    disliked: int,
    categories: Sequence[str],
) -> list[Counts]:
    """Return what was filed from `since` on and before `until`, by unit; what the actor may not know of is left out.

    disliked: up to which rating a sender is not content.
    """
    counted = ", ".join(f"count(*) FILTER (WHERE {which}) AS {name}" for name, which in WAYS.items())
    within = f"FROM complaints.complaint c WHERE c.filed_at >= :since AND c.filed_at < :until AND {COUNTED}"
    values = {**visible_values(actor), "since": since, "until": until, "now": now, "disliked": disliked}
    rows = await connection.execute(
        text(f"SELECT about_unit, categories, count(*) AS number, {counted} {within} GROUP BY about_unit, categories"),
        values,
    )
    different = await connection.execute(
        text(
            f"SELECT about_unit, count(*) FROM (SELECT about_unit, dossier {within} AND {PAKN} "
            "AND c.dossier IS NOT NULL GROUP BY about_unit, dossier) AS different GROUP BY about_unit"
        ),
        values,
    )
    return _by_unit(rows.mappings(), {row[0]: row[1] for row in different}, categories)


def _by_unit(rows: Iterable[RowMapping], dossiers: Mapping[str | None, int], categories: Sequence[str]) -> list[Counts]:
    """Return one for each unit, the unknown one last. rows: one for each unit and set of categories."""
    sums: dict[str | None, Counter[str]] = {}
    of_category: dict[str | None, Counter[str]] = {}
    for row in rows:
        unit = row["about_unit"]
        sums.setdefault(unit, Counter()).update({name: row[name] for name in WAYS})
        of_category.setdefault(unit, Counter()).update(dict.fromkeys(row["categories"], row["number"]))
    return [
        Counts(
            unit,
            **{name: sums[unit][name] for name in COUNTS if name in WAYS},
            dossiers=sums[unit]["sealed_dossiers"] + dossiers.get(unit, 0),
            categories={key: of_category[unit][key] for key in categories},
        )
        for unit in sorted(sums, key=lambda unit: (unit is None, unit))
    ]
