"""Which stored notices go out now and by whom: locked, each given its provider or its reason to wait, and claimed."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.modes import modes
from services.notify.policies.when import Quiet
from services.notify.receipts import following
from services.notify.sending import store
from services.notify.sending.mail import Claimed
from services.notify.sending.traffic import Lane, Traffic
from services.notify.settings import NotifySettings
from shared.events import NoticeChannel

WITHOUT_PROVIDER = 20  # looked at in one go, of a channel that nobody carries
NUMBER_S = 300  # until a number that was told often enough is looked at again
PROVIDER_S = 5  # until the provider that may have a notice is asked again


@dataclass
class Found:
    """What one look brought. withheld: with status and reason. doubled: how many may go out twice from now on.

    more: there may be more to look at. looked_at: how many notices were.
    """

    more: bool = False
    looked_at: int = 0
    given: list[tuple[Claimed, Lane]] = field(default_factory=list)
    withheld: list[tuple[Claimed, str, str]] = field(default_factory=list)
    doubled: int = 0


async def claim(
    connection: AsyncConnection,
    channel: NoticeChannel,
    found: Found,
    *,
    traffic: Traffic,
    settings: NotifySettings,
    quiet: Quiet,
) -> None:
    """Claim notices as there is room; those that nobody can take now wait, without a try being counted.

    Nothing is claimed while sending is paused, in quiet hours nothing that wakes people; what is claimed is handed over
    at once.

    found: is filled as it goes on, so that what was begun can be undone where the transaction fails.
    """
    now = await modes.get(connection, default=settings.send)
    if now.holds:
        return
    settings = settings.model_copy(update={"send": now.mode})
    quiet = Quiet() if now.mode == "record" else quiet
    if quiet != Quiet():
        await store.hold(connection, channel, reason="quiet_hours", quiet=quiet)
    await _count_the_hour(connection, traffic.of(channel))
    limit = traffic.room(channel) if traffic.of(channel) else WITHOUT_PROVIDER
    lease = secrets.token_hex(8)
    notices = await store.look(connection, channel, lease=lease, limit=limit, quiet=quiet) if limit else []
    found.looked_at = len(notices)
    found.more = bool(notices) and len(notices) == limit
    late, often = await _shared_out(connection, notices, found, traffic=traffic, channel=channel, settings=settings)
    if late:
        await store.put_off(connection, late, reason="provider_busy", seconds=PROVIDER_S)
    if often:
        await store.put_off(connection, often, reason="number_cap", seconds=NUMBER_S)
    chosen = [(notice, lane.provider.name) for notice, lane in found.given]
    chosen += [(notice, "") for notice, _, _ in found.withheld]
    found.doubled = await store.claim(connection, chosen)


async def _shared_out(
    connection: AsyncConnection,
    notices: Sequence[Claimed],
    found: Found,
    *,
    traffic: Traffic,
    channel: NoticeChannel,
    settings: NotifySettings,
) -> tuple[list[Claimed], list[Claimed]]:
    """Give each notice its provider or its end; returns those no provider has room for, and whose number had enough."""
    late: list[Claimed] = []
    often: list[Claimed] = []
    told = await _told(connection, notices, traffic.of(channel))
    dead = await following.to_dead(connection, notices, settings)
    for notice in notices:
        if withheld := _withheld(notice, settings, carried=bool(traffic.of(channel)), to_dead=notice.id in dead):
            found.withheld.append((notice, *withheld))
        elif (lane := traffic.choose(notice)) is None:
            late.append(notice)
        elif (most := lane.provider.per_number_hour) and told[notice.recipient] >= most:
            often.append(notice)
        else:
            lane.take()
            told[notice.recipient] += 1
            found.given.append((notice, lane))
    return late, often


async def _count_the_hour(connection: AsyncConnection, lanes: Sequence[Lane]) -> None:
    """Look up what each bounded provider may still be handed; all copies count together."""
    for lane in lanes:
        if lane.provider.per_hour is not None:
            lane.hour = lane.provider.per_hour - await store.handed_in_the_hour(connection, lane.provider.name)


async def _told(connection: AsyncConnection, notices: Sequence[Claimed], lanes: Sequence[Lane]) -> Counter[str]:
    if not notices or all(lane.provider.per_number_hour is None for lane in lanes):
        return Counter()
    return Counter(await store.told_in_the_hour(connection, notices))


def _withheld(notice: Claimed, settings: NotifySettings, *, carried: bool, to_dead: bool) -> tuple[str, str] | None:
    """Return status and reason where the mode forbids sending, or where it would be in vain."""
    if settings.send == "record":
        return "recorded", "recording_mode"
    if settings.send == "allowlist" and not settings.allows(notice.recipient):
        return "withheld", "not_on_allowlist"
    if not carried:  # stored while there was a provider
        return "withheld", "no_gateway"
    return ("withheld", following.DEAD) if to_dead else None
