"""Tells somebody else when a notice did not arrive: another channel, the next person, at last the operator.

Business time. Decided once for each notice, under the lock of its group; nothing is done at night or on a day off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import cases, saying
from services.notify.addressing import store as addressing
from services.notify.addressing.directory import Directory
from services.notify.cases import Case
from services.notify.pressing import in_force
from services.notify.pressing.rules import Rules
from services.notify.receipts import addresses, letter, road, store
from services.notify.receipts.following import mark_of
from services.notify.receipts.road import Fallback, Person, Way
from services.notify.receipts.states import LOST, Standing
from services.notify.receipts.store import Sending, Substitute
from services.notify.settings import NotifySettings
from shared import metrics
from shared.clock import PROVINCE_ZONE
from shared.cloudevents import Outgoing
from shared.events import ObligationChanged, UnitDescribed
from shared.worktime import CalendarEndsError, next_opening

AT_ONCE = 20
_known: WeakKeyDictionary[Engine, tuple[Mapping[str, UnitDescribed], Set[str]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Present:
    """What decisions of one sweep are made from."""

    units: Directory
    at: datetime
    rules: Rules
    settings: NotifySettings


async def sweep(
    connection: AsyncConnection, at: datetime, *, rules: Rules, settings: NotifySettings
) -> tuple[list[Outgoing], bool]:
    """Decide about notices whose time to arrive ran out at `at`; forget failures of addresses nobody has any more."""
    due = await store.due(connection, at=at, limit=AT_ONCE)
    failing = await addresses.list_failing(connection)
    if not due and not failing:
        return [], False
    rules = await in_force.rules_at(connection, rules, at=at)
    units = await addressing.get_directory(connection, policy=rules.policy, at=at)
    if gone := failing - _marks(connection, units, settings):
        await addresses.replaced(connection, gone, at=at)
    if not due:
        return [], False
    if (opens_at := _opening(rules, at)) > at:
        await store.put_off(connection, due, until=opens_at)
        return [], len(due) == AT_ONCE
    present = Present(units, at, rules, settings)
    said: list[Outgoing] = []
    for group in await store.lock_groups(connection, due):
        said += await _decide(connection, group, present)
    return said, len(due) == AT_ONCE


def _opening(rules: Rules, at: datetime) -> datetime:
    """Return when offices are open next; past the calendar's end nothing is put off."""
    try:
        return next_opening(rules.calendar, at=at)
    except CalendarEndsError:
        return at


def _marks(connection: AsyncConnection, units: Directory, settings: NotifySettings) -> Set[str]:
    """Return the marks of all addresses and numbers of the directory; reckoned once for each state of it."""
    engine = connection.engine.sync_engine
    known = _known.get(engine)
    if known is None or known[0] is not units.units:
        known = _known[engine] = units.units, _reckoned(units, settings)
    return known[1]


def _reckoned(units: Directory, settings: NotifySettings) -> Set[str]:
    found = set[str]()
    for unit in units.units.values():
        mails, phones = (
            [unit.email, *(one.email for one in unit.posts)],
            [unit.phone, *(one.phone for one in unit.posts)],
        )
        found |= {mark_of("email", mail, settings) for mail in mails if mail}
        found |= {mark_of("sms", phone, settings) for phone in phones if phone}
    return found


async def _decide(connection: AsyncConnection, group: list[Sending], present: Present) -> list[Outgoing]:
    """Decide about the notices of a locked group whose time ran out; one that goes out instead is one more of it."""
    said: list[Outgoing] = []
    for notice in [one for one in group if one.fallback_at and one.fallback_at <= present.at]:
        if notice.status == "sent" and notice.receipt not in (*LOST, "delivered"):
            said.append(await _expire(connection, notice, present))
        done, outgoing = await _fall_back(connection, notice, group, present)
        said += outgoing
        await store.decided(connection, notice.id, done)
        notice.fallback = done
        metrics.fallbacks.labels(notice.channel, done).inc()
    return said


async def _expire(connection: AsyncConnection, notice: Sending, present: Present) -> Outgoing:
    notice.receipt = "expired"
    stands = Standing("expired", present.at)
    state = await store.put_standing(connection, notice.id, stands, reason="no_receipt", fallback_at=None)
    metrics.receipts.labels(notice.provider, "expired").inc()
    return saying.notice(state, at=present.at, traces=notice.traces)


async def _fall_back(
    connection: AsyncConnection, notice: Sending, group: list[Sending], present: Present
) -> tuple[Fallback, list[Outgoing]]:
    others = (one for one in group if one.id != notice.id and one.channel != "webhook")  # that tells no person
    if any(road.is_hopeful(status=one.status, receipt=one.receipt) for one in others):
        return "covered", []
    first = next(one for one in group if one.id == notice.first)
    if first.role == "chairman":  # a page of counts, for nobody else
        await cases.open_all(connection, [Case("undelivered", first.id, unit=first.post)], at=present.at)
        return "operator", []
    pressed = await store.still_pressed(connection, [one.id for one in group], role=first.role)
    matters = [obligation for obligation, again, _ in pressed if not again]
    own_posts = {own for _, again, own in pressed if not again and present.units.desk(own) == first.post}
    if not matters:
        return "covered" if pressed else "settled", []
    way = await _way(connection, first, group, matters, own_posts, present)
    if way is None or await _is_too_much(connection, way, first, present):
        case = Case("undelivered", first.id, unit=first.post, detail=f"{len(group)} notices of {len(matters)} matters")
        await cases.open_all(connection, [case], at=present.at)
        return "operator", []
    may_answer = await store.may_answer(connection, _post(way, present), [one.obligation_id for one in matters])
    made = _made(first, way, matters, len(group), present, may_answer=may_answer)
    state = await store.add(connection, made)
    if state is None:
        return "covered", []
    metrics.notices.labels(made.channel, "stored").inc()
    group.append(_as_sending(made))
    return way.why, [saying.notice(state, at=present.at, traces=made.traces)]


async def _is_too_much(connection: AsyncConnection, way: Way, first: Sending, present: Present) -> bool:
    """Return whether the head above has had enough letters of this slot: so many at once are an outage."""
    if not way.person.is_superior:
        return False
    sent = await store.letters_above(connection, _post(way, present), slot=first.slot)
    return sent >= present.rules.policy.receipts.letters_above


async def _way(
    connection: AsyncConnection,
    first: Sending,
    group: Sequence[Sending],
    matters: Sequence[ObligationChanged],
    own_posts: Set[str],
    present: Present,
) -> Way | None:
    on = present.at.astimezone(PROVINCE_ZONE).date()
    restricted = {id for one in matters for id in one.restricted}
    who: list[Person] = road.persons(present.units, first.post, on=on, restricted=restricted, own_posts=own_posts)
    marks = {address: mark_of(*address, present.settings) for person in who for address in person.addresses}
    dead = await addresses.dead(connection, set(marks.values()) - {""})
    return road.next_way(
        who,
        tried={road.normal(one.channel, one.recipient) for one in group if one.recipient},
        dead={address for address, mark in marks.items() if mark in dead},
        sms="sms" in present.rules.carried,
    )


def _post(way: Way, present: Present) -> str:
    """Return the post that is told: the desk of who heads the unit, where the lines of its matters are."""
    return present.units.desk(way.person.unit.code)


def _made(
    first: Sending,
    way: Way,
    matters: Sequence[ObligationChanged],
    number: int,
    present: Present,
    *,
    may_answer: bool,
) -> Substitute:
    """Return the notice that goes out; its id follows from the first's, so that it is made once."""
    id, post = hashlib.sha256(f"{first.id} instead {number}".encode()).hexdigest()[:24], _post(way, present)
    unit = present.units.units.get(first.post)
    lost = letter.Lost(first.channel, unit.name if unit else first.post, first.slot)
    calendar, policy = present.rules.calendar, present.rules.policy
    subject, html_body = "", ""
    if way.channel == "email":
        answer_url = present.rules.answer_url(id, post) if may_answer else ""
        subject, text_body, html_body = letter.letter(
            way, matters, lost=lost, at=present.at, max_lines=policy.max_lines, calendar=calendar, answer_url=answer_url
        )
    else:
        text_body = letter.sms(way, len(matters), lost=lost, calendar=calendar)
    return Substitute(
        id=id,
        instead_of=first.id,
        post=post,
        role="superior" if way.person.is_superior else first.role,
        channel=way.channel,
        slot=first.slot,
        recipient=way.address,
        subject=subject,
        text_body=text_body,
        html_body=html_body,
        items=[one.obligation_id for one in matters],
        stored_at=present.at,
        traces=first.traces,
        why=way.why,
    )


def _as_sending(made: Substitute) -> Sending:
    return Sending(
        made.id, made.post, made.role, made.channel, made.slot, "stored", made.recipient, "", "", None, "",
        made.instead_of, "", None, list(made.traces),
    )  # fmt: skip
