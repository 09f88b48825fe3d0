"""Takes an answer: decided in one transaction on what it locks, in the order in which the sweep locks it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import cases, handlers, saying
from services.notify import store as obligations
from services.notify.answering import away, store
from services.notify.answering.deciding import Item, Refusal, Taken, answered
from services.notify.answering.shapes import Absent, Answer, OfMatters, Promise
from services.notify.answering.tokens import Link
from services.notify.cases import Case
from services.notify.pressing import in_force
from services.notify.pressing.pressing import Change, Pressed
from services.notify.pressing.rules import Rules
from shared import db
from shared.cloudevents import Outgoing
from shared.service import Running

PAGE = 250  # matters locked, decided and written in one go, of a transaction that holds them all
ATTEMPTS = 4  # the database breaks a tie with the sweep by giving one of the two up
NOT_ASKED_FOR: tuple[Refusal, ...] = ("closed", "not_yours", "paused")  # of `all that is open`: simply not among them


class NoNoticeError(Exception):
    """The notice of the link is not there."""


@dataclass(slots=True)
class Result:
    """What became of an answer, by obligation. covered: what it counts for from now on, or did already."""

    covered: list[str] = field(default_factory=list)
    repeated: bool = False
    refused: dict[str, Refusal] = field(default_factory=dict)


async def take(running: Running, link: Link, answer: Answer, *, rules: Rules) -> Result:
    """Take an answer. The same one again changes nothing.

    raises: NoNoticeError, away.AbsenceError. Errors of the database that trying again did not mend.
    """
    results: list[Result] = []

    async def work(connection: AsyncConnection) -> list[Outgoing]:
        if await store.find_notice(connection, link) is None:
            raise NoNoticeError
        at = running.clock.now()
        present = await in_force.rules_at(connection, rules, at=at)
        if isinstance(answer, Absent):
            told = await away.tell(connection, link, answer, rules=present, at=at)
            results.append(Result(repeated=not told))
            return told
        result, said = await _of_matters(connection, link, answer, rules=present, at=at)
        results.append(result)
        return said

    await until_committed(running, work)
    return results[-1]


async def until_committed(running: Running, work: Callable[[AsyncConnection], Awaitable[list[Outgoing]]]) -> None:
    """Commit what somebody asked for, again where the database gave it up for another's sake."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await running.commit(work, cause="request")
            return
        except Exception as error:
            if attempt == ATTEMPTS or not db.is_transient(error):
                raise


async def _of_matters(
    connection: AsyncConnection, link: Link, answer: OfMatters, *, rules: Rules, at: datetime
) -> tuple[Result, list[Outgoing]]:
    """Decide and write a page at a time: a notice may cover thousands, and others are served meanwhile."""
    items = {item.obligation_id: item for item in await store.list_items(connection, link, of=answer.obligations)}
    result = Result(refused=dict.fromkeys(set(answer.obligations or ()) - items.keys(), "not_yours"))
    said: list[Outgoing] = []
    id = 0
    ordered = [items[of] for of in sorted(items)]
    for begin in range(0, len(ordered), PAGE):
        page = ordered[begin : begin + PAGE]
        changes = await _decided(connection, link, answer, page, result, rules=rules, at=at)
        if changes:
            id = id or await _add(connection, link, answer, at=at)
            await _write(connection, answer, changes, id=id, at=at)
        said += [saying.escalation(event, about, at=at) for change in changes for event, about in change.said]
        await asyncio.sleep(0)
    result.repeated = bool(result.covered) and not id
    return result, said


async def _decided(
    connection: AsyncConnection,
    link: Link,
    answer: OfMatters,
    items: Sequence[Item],
    result: Result,
    *,
    rules: Rules,
    at: datetime,
) -> list[Change]:
    """Lock a page of what a notice covers, and return what follows for it."""
    locked = await lock(connection, [item.obligation_id for item in items])
    held = await obligations.lock_lines(connection, sorted(locked))
    changes = []
    for item in items:
        if (pressed := locked.get(item.obligation_id)) is None:
            continue
        id = item.obligation_id
        taken = answered(pressed, answer, post=link.post, item=item, held=held.get(id, ()), rules=rules, at=at)
        if not isinstance(taken, Taken):
            if answer.obligations is not None or taken not in NOT_ASKED_FOR:
                result.refused[id] = taken
            continue
        result.covered.append(id)
        if taken.change:
            changes.append(taken.change)
    return changes


async def lock(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Pressed]:
    """Lock obligations in id order, and read what was answered about them."""
    if not ids:
        return {}
    known = await store.with_stays(connection, await obligations.lock_obligations(connection, ids))
    return {id: pressed for id, pressed in known.items() if pressed}


async def _add(connection: AsyncConnection, link: Link, answer: OfMatters, *, at: datetime) -> int:
    until = answer.until if isinstance(answer, Promise) else None
    return await store.add_answer(connection, link, kind=answer.answer, reason=answer.reason, until_on=until, at=at)


async def _write(
    connection: AsyncConnection, answer: OfMatters, changes: Sequence[Change], *, id: int, at: datetime
) -> None:
    """Write what follows from an answer; no obligation's own state changes. id: of the answer."""
    for change in changes:
        change.stays = [stay if stay.id else replace(stay, answer_id=id) for stay in change.stays]
    await handlers.write(connection, changes, at=at, anew=False)
    if kind := store.CASE_OF.get(answer.answer):
        new = [stay for change in changes for stay in change.stays if not stay.id]
        opened = [Case(kind, stay.obligation_id, stay.post, answer_by=stay.until) for stay in new]
        await cases.open_all(connection, opened, at=at)
