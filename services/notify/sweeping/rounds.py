"""A sweep in full: levels, digests and who is told instead; then the periodic acts of the ledger and the audit."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import store
from services.notify.audit import anchoring
from services.notify.ledger import looking
from services.notify.ledger import store as ledger
from services.notify.pressing.rules import Rules
from services.notify.receipts import falling_back
from services.notify.settings import NotifySettings
from services.notify.sweeping import sweep as levels
from shared.cloudevents import Outgoing


async def sweep(
    connection: AsyncConnection, at: datetime, *, rules: Rules, settings: NotifySettings
) -> tuple[list[Outgoing], bool]:
    """Fire what is due, then tell somebody else of what did not arrive.

    Once there is no more, look at the ledger and say the anchor of the day.
    """
    said, more = await levels.sweep(connection, at, rules=rules)
    if not more:
        instead, more = await falling_back.sweep(connection, at, rules=rules, settings=settings)
        said += instead
    if not more:
        await looking.look(connection, at, mode=settings.send)
        said += await anchoring.anchor(connection, at)
    return said, more


async def next_timer(connection: AsyncConnection) -> datetime | None:
    """Return when there is something to do next: a level, a slot, a receipt that did not come, another look."""
    found = (await store.next_timer(connection), await ledger.next_look(connection))
    return min((at for at in found if at), default=None)
