"""`POST /v1/policy/dry-runs`: what a policy would have said over past weeks, beside the present. Changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from services.notify.addressing import store as addressing
from services.notify.policies import file as policy_file
from services.notify.pressing import in_force
from services.notify.pressing.rules import Rules
from services.notify.trying import report as trial_report
from services.notify.trying import store as trials
from services.notify.trying.trial import Trial
from shared import rule_files
from shared.bodies import described, read_json
from shared.bus import Received
from shared.cloudevents import EVENTS, decode
from shared.events import ObligationChanged
from shared.http import KEY
from shared.openapi import NDJSON, answers
from shared.rereading import BeingReadError, Reading, reading
from shared.rule_files import RuleFileError
from shared.service import Running

BODY_LIMIT = 2 << 20  # bytes
LONGEST = timedelta(days=92)
MATTERS_AT_MOST = 300_000  # of one run in memory: some 3 KB each
ROWS_AT_MOST = 50_000  # of each policy; what is beyond is counted
PAGE = 50  # events taken before others have their turn: some 20 ms
AHEAD = timedelta(days=60)  # what is due later than so long after the end is not near in the time looked at
SUBJECTS = tuple(subject for subject, event in EVENTS.items() if issubclass(event, ObligationChanged))


class Asked(BaseModel):
    """What to try: the text of a policy file, and the time to look at."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    policy: Annotated[str, Field(max_length=rule_files.LONGEST)]
    since: Annotated[AwareDatetime, Field(alias="from")]
    until: Annotated[AwareDatetime, Field(alias="to")]


ASKED = TypeAdapter(Asked)


def router(rules: Rules) -> APIRouter:
    """Return the routes. rules: those of the service, with the policies that are in force."""
    made = APIRouter(prefix="/v1", tags=["policy"], dependencies=KEY)
    one_at_a_time = asyncio.Lock()

    @made.post("/policy/dry-runs", openapi_extra=described(ASKED), response_class=Response, responses=answers(NDJSON))
    async def dry_run(request: Request) -> StreamingResponse:
        """Stream what a policy would have said: lines of progress, a line for each notice, and the report as the last.

        Nothing is stored and nothing is sent. One run at a time.
        """
        running: Running = request.app.state.running
        asked = await read_json(request, ASKED, limit=BODY_LIMIT)
        if not timedelta() < asked.until - asked.since <= LONGEST:
            raise HTTPException(422, f"from and to: the time between them must be up to {LONGEST.days} days")
        try:
            tried = policy_file.read(asked.policy)
        except RuleFileError as error:
            raise HTTPException(422, f"the policy cannot be used: {error}") from None
        lines = _alone(
            one_at_a_time, _run(running, replace(rules, policies=tried, policy=tried.several[0]), rules, asked)
        )
        try:  # what keeps it from beginning is still said by the status
            first = await anext(lines)
        except BeingReadError:
            raise HTTPException(409, "another dry run is under way; try again when it is done") from None
        return StreamingResponse(_all(first, lines), media_type=NDJSON)

    return made


async def _alone(lock: asyncio.Lock, lines: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    """Yield the lines of one run; it reads the stream twice, and no other run begins in between."""
    if lock.locked():
        raise BeingReadError
    async with lock, aclosing(lines):
        async for line in lines:
            yield line


async def _all(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for line in rest:
        yield line


async def _run(running: Running, tried: Rules, present: Rules, asked: Asked) -> AsyncGenerator[bytes]:
    """Yield the lines of the answer."""
    async with running.engine.connect() as connection:
        now = running.clock.now()
        both = {
            "tried": await _trial(connection, tried, asked, now),
            "present": await _trial(connection, present, asked, now),
        }
        earlier = await trials.list_open(connection, due_before=asked.until + AHEAD, limit=MATTERS_AT_MOST)
        really = await trials.count_told(connection, since=asked.since, until=asked.until)
    whole = partial(reading, running.client, service=running.service.name, stream="DEADLINE", subjects=SUBJECTS)
    async with whole() as first:
        async for batch in first.batches(objects=PAGE):
            for message in batch:
                earlier.pop(_about(message), None)
            yield _progress(first.read, 2 * first.total)
            await asyncio.sleep(0)
    limits = _limits(first, asked, both["tried"], full=len(earlier) >= MATTERS_AT_MOST)
    async with whole() as again:
        if begins_at := again.first_at or asked.since:
            for trial in both.values():
                trial.begin_with(earlier.values(), at=min(begins_at, asked.since))
        async for line in _follow(again, both, asked):
            yield line
    for trial in both.values():
        trial.move_to(asked.until)
        await asyncio.sleep(0)
    for which in ("tried", "present"):
        for number, row in enumerate(trial_report.rows(which, both[which].notices)):
            if number < ROWS_AT_MOST:
                yield orjson.dumps({"row": row}) + b"\n"
    yield orjson.dumps({"report": _report(both, asked, again.read, limits, really)}) + b"\n"


async def _trial(connection: Any, rules: Rules, asked: Asked, now: datetime) -> Trial:
    """Return a policy ready to be tried, by the directory and the calendars of today."""
    known = await in_force.rules_at(connection, rules, at=asked.since)
    units = await addressing.get_directory(connection, policy=known.policy, at=now)
    return Trial(known, units, since=asked.since, until=asked.until)


async def _follow(again: Reading, both: dict[str, Trial], asked: Asked) -> AsyncIterator[bytes]:
    """Take in what happened, up to the end of the time asked for."""
    reached = datetime.min.replace(tzinfo=asked.since.tzinfo)
    async for batch in again.batches(objects=PAGE):
        for state, at in _states(batch):
            reached = max(reached, at)  # what was said late is known from then on
            if reached >= asked.until:
                return
            for trial in both.values():
                if state.obligation_id in trial.pressed or len(trial.pressed) < MATTERS_AT_MOST:
                    trial.take(state, at=reached)
        yield _progress(again.total + again.read, 2 * again.total)
        await asyncio.sleep(0)


def _states(batch: Sequence[Received]) -> Iterable[tuple[ObligationChanged, datetime]]:
    for message in batch:
        event = EVENTS.get(message.subject)
        if event is None or not issubclass(event, ObligationChanged):
            continue
        try:
            envelope = decode(event, message.data)
        except ValidationError:  # notify has it in quarantine
            continue
        yield envelope.data, envelope.time


def _about(message: Received) -> str:
    try:
        return str(orjson.loads(message.data).get("subject", ""))
    except (orjson.JSONDecodeError, AttributeError):
        return ""


def _progress(read: int, total: int) -> bytes:
    return orjson.dumps({"read": read, "of": total}) + b"\n"


def _limits(first: Reading, asked: Asked, trial: Trial, *, full: bool) -> list[str]:
    """Return in words what a run cannot know."""
    said = [
        "what heads answered or promised, caps, and notices withheld while a source was silent are left out",
        "the directory and the calendars are those of today, also for past days",
        "what was told before the beginning is taken as told, at the level that was reached then",
    ]
    if first.first_at and first.first_at > asked.since:
        said.append(f"the stream reaches back to {first.first_at.isoformat()}; what ended before is not known")
    if "sms" not in trial.rules.carried:
        said.append("no SMS gateway is set, so none is counted")
    if full:
        said.append(f"more than {MATTERS_AT_MOST} matters: those due last are left out")
    return said


def _report(
    both: dict[str, Trial], asked: Asked, read: int, limits: list[str], really: list[dict[str, Any]]
) -> dict[str, Any]:
    tried, present = both["tried"], both["present"]
    return {
        "from": asked.since.isoformat(),
        "to": asked.until.isoformat(),
        "read": read,
        "matters": max(len(trial.pressed) for trial in both.values()),
        "versions": {which: trial.rules.policy.version for which, trial in both.items()},
        "totals": {which: trial_report.totals(trial.notices) for which, trial in both.items()},
        "differences": trial_report.differences(tried.notices, present.notices),
        "really": really,
        "limits": limits,
    }
