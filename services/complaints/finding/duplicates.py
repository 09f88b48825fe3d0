"""Suggests which feedbacks may be about the same matter as one. Nothing is joined by itself.

What is sealed is likened to nothing, not even by its dossier: equality told from keyed hashes would still say of whom
a denunciation is, and codes of dossiers are few enough to be tried one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.finding.likeness import LIKELY, Matter, compare
from services.complaints.finding.store import Visible

OF_A_BAND = 400  # the newest of a band are looked at: common words put thousands into one, and a copy shares others
COMPARED = 40  # texts, those with most bands in common


@dataclass(frozen=True, slots=True)
class Likeness:
    """A feedback that may be about the same. score: 0 to 1. reasons: in Vietnamese, without any of its words."""

    code: str
    score: float
    reasons: tuple[str, ...]


async def suggest_duplicates(
    connection: AsyncConnection, complaint_id: int, limit: int = 5, *, visible: Visible
) -> list[Likeness]:
    """Return what may be about the same as a feedback, the likeliest first; nothing of one that is sealed.

    visible: of the asker, who must also be allowed to see the feedback itself.
    """
    rows = await connection.execute(
        text(
            "WITH own AS MATERIALIZED (SELECT bands, dossier FROM complaints.finding "
            f"WHERE complaint_id = :id AND ({visible.sql})), "
            "near AS (SELECT complaint_id, count(*) AS shared FROM own, unnest(own.bands) AS of (band), "
            "LATERAL (SELECT complaint_id FROM complaints.finding_band AS kept WHERE kept.band = of.band "
            f"ORDER BY complaint_id DESC LIMIT {OF_A_BAND}) AS newest GROUP BY complaint_id), "
            f"alike AS (SELECT complaint_id FROM near ORDER BY shared DESC, complaint_id DESC LIMIT {COMPARED * 8}), "
            "same AS (SELECT finding.complaint_id FROM own JOIN complaints.finding ON finding.dossier = own.dossier "
            f"ORDER BY finding.complaint_id DESC LIMIT {COMPARED}), "
            "either AS (SELECT complaint_id FROM alike UNION SELECT complaint_id FROM same), "
            "seen AS (SELECT finding.complaint_id, code, finding.text, place, finding.dossier, handler, filed_at "
            f"FROM either JOIN complaints.finding USING (complaint_id) WHERE ({visible.sql})) "
            "SELECT seen.* FROM seen LEFT JOIN near USING (complaint_id) LEFT JOIN same USING (complaint_id) "
            "ORDER BY complaint_id = :id DESC, same.complaint_id IS NOT NULL DESC, shared DESC NULLS LAST, "
            f"complaint_id DESC LIMIT {COMPARED * 2 + 1}"
        ),
        {"id": complaint_id, **visible.params},
    )
    found = [(row.complaint_id, row.code, _matter(row)) for row in rows]
    if not found or found[0][0] != complaint_id:
        return []
    own = found[0][2]
    likely = []
    for _, code, other in found[1:]:
        score, reasons = compare(own, other)
        if score >= LIKELY:
            likely.append(Likeness(code, round(score, 3), reasons))
    return sorted(likely, key=lambda one: (-one.score, one.code))[:limit]


def _matter(row: Any) -> Matter:
    return Matter(row.text, row.place, row.dossier, row.handler, row.filed_at)
