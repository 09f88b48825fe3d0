"""Makes the weekly page of the province's head, once a week: foreseen as a row, made when its slot is reached."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import occasions, saying
from services.notify.addressing import mending
from services.notify.addressing import store as addressing
from services.notify.policies.when import next_weekly
from services.notify.pressing.rules import Rules
from services.notify.stored import Notice
from services.notify.telling import digest, holding, notices, texts, weekly
from services.notify.telling.digest import Rendered
from services.notify.telling.rendering import notice_id
from services.notify.telling.weekly import Counted
from services.notify.telling.why import Why
from shared import metrics
from shared.cloudevents import Outgoing
from shared.events import UnitDescribed

ACT = "weekly"
WEEK = timedelta(days=7)
TOLD_TO_ALL = f"coalesce(doc->'restricted', '[]') = '[]' AND NOT {holding.CONFIDENTIAL}"

# overdue now; a step of a dossier that is pressed for at the same unit is one with it, and nobody reads of what is
# restricted here
PRESSED = (
    f"FROM notify.obligation o WHERE raised >= 1 AND {TOLD_TO_ALL} AND NOT "
    "(doc->>'kind' = 'step' AND EXISTS (SELECT FROM notify.obligation d WHERE d.id = o.doc->>'parent' "
    "AND d.raised >= 1 AND d.resolved IS NOT DISTINCT FROM o.resolved))"
)


async def weekly_page(connection: AsyncConnection, *, at: datetime, rules: Rules) -> list[Outgoing]:
    """Make the page whose slot is reached at `at`, and foresee the next. With nothing to be counted, none is made."""
    foreseen = await occasions.lock_next(connection, ACT)
    if foreseen is None:
        await _foresee(connection, at=at, rules=rules)
        return []
    province, slot = foreseen
    if slot > at:
        return []
    last = await occasions.last_done(connection, ACT, province)
    since = last[0] if last else slot - WEEK
    now = await _count(connection, since=since, slot=slot)
    said = []
    if rules.policy.weekly and (now.overdue or now.settled):
        before = Counted(**last[1]) if last else None
        said = await _send(connection, now, before, province=province, slot=slot, since=since, at=at, rules=rules)
    await occasions.done(connection, ACT, province, slot=slot, at=at, counted=now.stored())
    await _foresee(connection, at=at, rules=rules)
    return said


async def _foresee(connection: AsyncConnection, *, at: datetime, rules: Rules) -> None:
    """Foresee the next page, once the directory has the province."""
    units = await addressing.get_directory(connection, policy=rules.policy, at=at)
    if rules.policy.weekly and units.province in units.units:
        slot = next_weekly(rules.policy.weekly, calendar=rules.calendar, at=at)
        await occasions.foresee(connection, ACT, units.province, slot=slot)


async def _count(connection: AsyncConnection, *, since: datetime, slot: datetime) -> Counted:
    rows = await connection.execute(
        text(
            "SELECT coalesce(doc->>'field', '') AS field, coalesce(resolved, '') AS unit, count(*) AS number "
            f"{PRESSED} GROUP BY 1, 2 ORDER BY 1, 2"
        )
    )
    fields: dict[str, int] = {}
    units: dict[str, int] = {}
    for row in rows:
        fields[row.field] = fields.get(row.field, 0) + row.number
        units[row.unit] = units.get(row.unit, 0) + row.number
    settled = await connection.execute(
        text(
            "SELECT count(*) FROM notify.obligation o WHERE raised < 1 AND closed_at >= :since AND closed_at < :slot "
            f"AND doc->>'kind' <> 'step' AND {TOLD_TO_ALL}"
        ),
        {"since": since, "slot": slot},
    )
    return Counted(fields, units, settled.scalar_one())


async def _send(
    connection: AsyncConnection,
    now: Counted,
    before: Counted | None,
    *,
    province: str,
    slot: datetime,
    since: datetime,
    at: datetime,
    rules: Rules,
) -> list[Outgoing]:
    units = await addressing.get_directory(connection, policy=rules.policy, at=at)
    reach, silent = await notices.get_reach(connection), await holding.silent_sources(connection)
    unit = units.units[province]
    fault = units.fault(unit)
    await mending.open_faults(connection, [fault] if fault else [], at=at)
    head = units.contact(province) if fault is None else None
    page = weekly.rendered(
        now,
        before,
        head=head or unit,
        names={code: unit.name for code, unit in units.units.items()},
        since=since,
        at=at,
        slot=slot,
        reach=digest.reached(reach.keys(), reach, silent, rules.calendar),
        calendar=rules.calendar,
        console_url=rules.console_url,
    )
    notice = _notice(page, head, province=province, slot=slot, items=now.overdue, at=at)
    await notices.add_notices(connection, [notice])
    metrics.notices.labels(notice.channel, notice.status).inc()
    return [saying.stored(notice, at=at)]


def _notice(
    page: Rendered, head: UnitDescribed | None, *, province: str, slot: datetime, items: int, at: datetime
) -> Notice:
    return Notice(
        id=notice_id(f"{ACT} {province}", slot),
        post=province,
        role="chairman",
        channel="email",
        slot=slot,
        status="stored" if head else "withheld",
        reason="" if head else "no_contact",
        recipient=(head.email if head else None) or "",
        subject=page.subject,
        text_body=page.text,
        html_body=page.html,
        items=items,
        stored_at=at,
        traces=[],
        kind="weekly",
        why=(Why.WEEKLY,),
        template=texts.version("weekly"),
    )
