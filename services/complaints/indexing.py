"""Keeps what may be found, and what is counted for patterns, in step with the feedback.

What is under seal is in no index, nor its likeness in any. A pattern counts it by opaque ids alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.finding import reports, store
from services.complaints.finding.growing import AboutKind
from services.complaints.finding.reports import Report
from services.complaints.finding.store import Indexed
from services.complaints.office import Office
from services.complaints.rules.units import Units, above
from services.complaints.store import Feedback
from shared.clock import PROVINCE_ZONE

NOT_COUNTED = ("refused", "joined")


async def keep(
    connection: AsyncConnection, changed: Sequence[Feedback], office: Office, units: Units, *, new: bool = False
) -> None:
    """Index what is new or changed, in the transaction that stores it. new: none of it can be in the index yet."""
    said = {one.id: _reports(one, office, units) for one in changed}
    await store.index(connection, [_indexed(one) for one in changed if one.text is not None])
    if not new:
        await store.remove(connection, [one.id for one in changed if one.text is None])
        await reports.count_out(connection, [one.id for one in changed if not said[one.id]])
    await reports.count_in(connection, [report for of_one in said.values() for report in of_one])


def _indexed(feedback: Feedback) -> Indexed:
    case = feedback.case
    return Indexed(
        complaint_id=feedback.id,
        code=case.code,
        text=feedback.text or "",
        place=feedback.place,
        handler=case.handler,
        dossier=feedback.dossier,
        kind=case.kind,
        state=case.state,
        filed_at=case.filed_at,
        not_to=case.not_to,
    )


def _reports(feedback: Feedback, office: Office, units: Units) -> list[Report]:
    """Return the unit that a feedback names, and the officers whom it is kept from because it is about them."""
    case, on = feedback.case, feedback.case.filed_at.astimezone(PROVINCE_ZONE).date()
    if case.state in NOT_COUNTED:
        return []
    word = office.words(feedback)["unit"]
    unit = units.resolve(word, on=on) if word else None
    persons = [one for one in case.not_to if units.kind(one) is None]

    def report(kind: AboutKind, about: str, to: str | None) -> Report:
        return Report(feedback.id, case.code, kind, about, to, case.filed_at, case.restricted, case.not_to)

    of_unit = [report("unit", unit, next(above(units, unit, on=on), None))] if unit else []
    return [*of_unit, *(report("officer", person, case.handler) for person in persons)]
