"""Does acts on feedback: looked up and locked, allowed, decided by `life`, stored with its history, said."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints import indexing, life, reference, saying, store
from services.complaints.case import ActError, Case
from services.complaints.filing import digest, read_code, read_secret
from services.complaints.office import Office
from services.complaints.officers import SENDER, SYSTEM
from services.complaints.permissions import Action, Actor, may
from services.complaints.store import Feedback, Step
from shared.cloudevents import Outgoing
from shared.events import ComplaintChanged

Change = Callable[[Feedback, datetime], Case]


class NotThereError(LookupError):
    """No feedback has this number, or the one who asks may know nothing of it, which sounds the same."""


class NotAllowedError(Exception):
    """The actor may see the matter but not do this."""


class Act(NamedTuple):
    """name: in the history. change: the case after it. note: words kept under seal. answer: a new one.

    said: its event.
    """

    name: str
    change: Change
    note: str | None = None
    answer: str | None = None
    said: type[ComplaintChanged] = ComplaintChanged


class Joining(NamedTuple):
    """A feedback is to be dealt with in another one. to: the number of that, which the actor must be able to see."""

    to: str


async def get(connection: AsyncConnection, written: str, actor: Actor, *, lock: bool = False) -> Feedback:
    """Return a feedback for an officer. raises: NotThereError."""
    code = read_code(written)
    feedback = await store.find(connection, code, lock=lock) if code else None
    if feedback is None or not may(actor, "read", feedback.about):
        raise NotThereError(written)
    return feedback


async def of_sender(connection: AsyncConnection, written: str, secret: str, *, lock: bool = False) -> Feedback:
    """Return a feedback for who has its number and its secret. raises: NotThereError."""
    code, given = read_code(written), _secret(secret)
    feedback = await store.find(connection, code, lock=lock) if code and given else None
    if feedback is None or not hmac.compare_digest(feedback.secret_hash, digest(given or "")):
        raise NotThereError(written)
    return feedback


def _secret(written: str) -> str | None:
    """Return a secret as it was given out; of those who filed when number and secret were one, that word."""
    return read_secret(written) or read_code(written)


async def by_officer(
    connection: AsyncConnection,
    office: Office,
    code: str,
    asked: Act | Joining,
    *,
    actor: Actor,
    action: Action,
    now: datetime,
    headers: Mapping[str, str],
) -> tuple[Feedback, list[Outgoing]]:
    """Let an officer act. raises: NotThereError, NotAllowedError, ActError."""
    feedback = await get(connection, code, actor, lock=True)
    if not may(actor, action, feedback.about):
        raise NotAllowedError(action)
    act = asked if isinstance(asked, Act) else await _joining(connection, feedback, asked.to, actor)
    return await _do(connection, office, feedback, act, actor=actor.id, now=now, headers=headers)


async def _joining(connection: AsyncConnection, feedback: Feedback, to: str, actor: Actor) -> Act:
    """Return the act that joins a feedback to another one. raises: NotThereError, ActError."""
    other = await get(connection, to, actor, lock=True)
    if not _is_seen_by_all_of(feedback.case, other.case):
        raise ActError("that one is kept from some who see this one: decide first that this one is about the same")
    if await store.lock_joined(connection, feedback.case.code):
        raise ActError("others are dealt with in this one: join that one to this one, or separate them first")
    return Act("join", lambda feedback, at: life.join(feedback.case, other.case, at=at))


async def by_sender(
    connection: AsyncConnection,
    office: Office,
    code: str,
    secret: str,
    act: Act,
    *,
    now: datetime,
    headers: Mapping[str, str],
) -> tuple[Feedback, list[Outgoing]]:
    """Let the sender act. raises: NotThereError, ActError."""
    feedback = await of_sender(connection, code, secret, lock=True)
    return await _do(connection, office, feedback, act, actor=SENDER, now=now, headers=headers)


async def by_source(
    connection: AsyncConnection,
    office: Office,
    feedback: Feedback,
    act: Act,
    *,
    source: str,
    at: datetime,
    headers: Mapping[str, str],
) -> tuple[Feedback, list[Outgoing]]:
    """Let another system act on a feedback that the caller has locked. source: its name in the history.

    at: when it happened there; here it is not before what was noted last. raises: ActError.
    """
    known = [moment for term in feedback.case.terms for moment in (term.since, term.ended_at) if moment]
    known += [moment for term in feedback.case.terms for pause in term.pauses for moment in pause if moment]
    return await _do(connection, office, feedback, act, actor=source, now=max((at, *known)), headers=headers)


async def _do(
    connection: AsyncConnection,
    office: Office,
    feedback: Feedback,
    act: Act,
    *,
    actor: str,
    now: datetime,
    headers: Mapping[str, str],
) -> tuple[Feedback, list[Outgoing]]:
    at = max(now, feedback.case.filed_at)
    case = act.change(feedback, at)
    if case == feedback.case:
        return feedback, []
    words: dict[str, Any] = {}
    if act.answer is not None or case.sealed != feedback.case.sealed:
        words = office.dressed(feedback, case, answer=act.answer)
    after = replace(feedback, case=case, revision=feedback.revision + 1, **words)
    await store.put(connection, after)
    kept = feedback.case.restricted and actor != SENDER
    note = office.note(case.code, after.revision, act.note, kept=kept)
    await store.add_steps(connection, [Step(case.code, after.revision, at, act.name, actor, case.handler, note)])
    await indexing.keep(connection, [after], office, await reference.units(connection))
    events = [saying.said(act.said, after, at=at, headers=headers)]
    answers_no_more = life.answers_others(feedback.case) and not life.answers_others(case)
    if answers_no_more or not _is_seen_by_all_of(feedback.case, case):
        events += await _set_apart(connection, office, case.code, at=at, headers=headers)
    return after, events


def _is_seen_by_all_of(case: Case, other: Case) -> bool:
    """Return whether nobody can see a feedback who may know nothing of another one."""
    return other.restricted <= case.restricted and set(other.not_to) <= set(case.not_to)


async def _set_apart(
    connection: AsyncConnection, office: Office, code: str, *, at: datetime, headers: Mapping[str, str]
) -> list[Outgoing]:
    """Separate what was joined to a feedback that has no answer for all any more, or that some may see no more.

    Who sent it would wait for ever; who may not see that one would learn of it from what is joined to it.
    """
    act, events = Act("separate", lambda feedback, at: _separated(office, feedback, at)), []
    for joined in await store.lock_joined(connection, code):
        events += (await _do(connection, office, joined, act, actor=SYSTEM, now=at, headers=headers))[1]
    return events


def _separated(office: Office, feedback: Feedback, at: datetime) -> Case:
    policy = office.policy(at)
    return life.separate(feedback.case, policy, screened_by=policy.screener, at=at)
