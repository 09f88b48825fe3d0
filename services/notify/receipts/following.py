"""What the end of a sending means for what comes after it; called in the transaction that notes that end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.pressing.rules import Rules
from services.notify.receipts import addresses, store, tokens
from services.notify.sending import gateways
from services.notify.sending.mail import Claimed
from services.notify.sending.providers import Http, Provider, Smpp
from services.notify.sending.store import Ended
from services.notify.settings import NotifySettings
from shared.events import NoticeChannel

DEAD = "dead_address"  # the reason of a notice withheld because its address is dead


async def ended(
    connection: AsyncConnection,
    ended: Ended,
    *,
    post: str,
    role: str,
    at: datetime,
    rules: Rules,
    settings: NotifySettings,
) -> None:
    """Let a notice that was sent wait for its receipt, and one that was refused go another way.

    post, role: whose it is. at: business time. A webhook is a program: nobody is told in its place.
    """
    notice, awaited = ended.notice, rules.policy_at(at).receipts
    if notice.channel == "webhook":
        return
    if ended.status == "sent" and ended.provider:
        gives = gives_receipts(ended.provider, settings)
        if span := awaited.span(notice.channel, provider=ended.provider.name, gives=gives):
            await store.wait(connection, notice.id, receipt="pending", until=at + span)
    if ended.status == "failed" or ended.reason == DEAD:
        await store.wait(connection, notice.id, receipt="", until=at)
    if ended.status == "failed":
        await addresses.failed(
            connection,
            mark_of(notice.channel, notice.recipient, settings),
            channel=notice.channel,
            unit=post,
            role=role,
            reason=ended.reason,
            for_good=ended.no_such_address,
            dead_after=awaited.dead_after,
            at=at,
        )


async def to_dead(connection: AsyncConnection, claimed: Sequence[Claimed], settings: NotifySettings) -> set[str]:
    """Return the ids of those notices whose address is dead: sending them would help nobody."""
    marks = {notice.id: mark_of(notice.channel, notice.recipient, settings) for notice in claimed}
    dead = await addresses.dead(connection, set(marks.values()) - {""})
    return {id for id, mark in marks.items() if mark in dead}


def mark_of(channel: NoticeChannel, address: str, settings: NotifySettings) -> str:
    return tokens.of_address(settings.receipts_key.get_secret_value(), channel, address)


def gives_receipts(provider: Provider, settings: NotifySettings) -> bool:
    """Return whether a provider tells, of each message, what becomes of it.

    A message centre does over the line we hold, a gateway where it is asked to and can reach us. One whose receipts are
    set up in its own pages gives them where the policy says so (`receipts.providers`).
    """
    match provider:
        case Smpp():
            return True
        case Http():
            receipts = gateways.load(provider.gateway).receipts
            can_reach_us = bool(settings.receipts_url and settings.receipts_key.get_secret_value())
            return can_reach_us and receipts is not None and receipts.asked_for
    return False
