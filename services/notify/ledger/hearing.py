"""What the ledger does with what it hears: the parts of deadline's census."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import handlers
from services.notify.ledger import store
from services.notify.pressing.rules import Rules
from shared.cloudevents import Outgoing
from shared.events import CensusTaken
from shared.service import Heard

SUBJECT = CensusTaken.subject()


async def follow_deadline(connection: AsyncConnection, heard: Heard, *, rules: Rules) -> list[Outgoing]:
    """Follow the obligations, then keep the parts of a census; the sweep compares it once it is whole.

    hears: every event of DEADLINE, CensusTaken among them. says: notify.escalation_closed.v1.
    repeats: harmless - a part has one row; a census no newer than the one compared last is passed over.
    raises: nothing of its own - what cannot be decoded is an entry in quarantine.
    """
    parts = [message for message in heard.messages if message.subject == SUBJECT]
    others = [message for message in heard.messages if message.subject != SUBJECT]
    said = await handlers.follow_obligations(connection, replace(heard, messages=others), rules=rules)
    if parts:
        censuses = await handlers.decoded(connection, parts, CensusTaken)
        await store.put_parts(connection, [envelope.data for envelope in censuses], at=heard.now)
    return said
