"""Feedbacks about one unit or officer are said to the superior: once, and again as they grow by half."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import orjson
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.finding.growing import AboutKind
from services.complaints.finding.pattern_store import Pattern, close, list_patterns
from services.complaints.finding.patterns import look_for_patterns, said, seen_by
from services.complaints.finding.reports import Report, count_in, count_out
from services.complaints.finding.store import ALL
from shared.cloudevents import decode
from shared.events import PatternSeen
from tests.component.finding import AT, opened

N, DAYS = 4, 10
LIMITS: dict[AboutKind, tuple[int, int]] = {"unit": (N, DAYS), "officer": (N, DAYS)}
HOUR = timedelta(hours=1)


@pytest_asyncio.fixture
async def connection(postgres_url: str) -> AsyncIterator[AsyncConnection]:
    async with opened(postgres_url) as made:
        yield made


def report(
    id: int, *, about: str = "H56.12", at: datetime = AT, above: str | None = "H56", not_to: tuple[str, ...] = (),
    restricted: bool = False, about_kind: AboutKind = "unit",
) -> Report:  # fmt: skip
    return Report(id, f"PA-{id}", about_kind, about, above, at, restricted, not_to)


async def look(connection: AsyncConnection, at: datetime = AT) -> list[tuple[str, int, int, bool]]:
    return [
        (one.about, one.count, one.revision, one.restricted) for one in await look_for_patterns(connection, at, LIMITS)
    ]


async def shown(connection: AsyncConnection, *ids: str, restricted: bool = False) -> list[Pattern]:
    return await list_patterns(connection, visible=seen_by(ids=ids, units=None, restricted=restricted))


async def test_enough_within_the_time_are_said_once_and_half_as_many_more_again(connection: AsyncConnection) -> None:
    await count_in(connection, [report(0, at=AT - timedelta(days=11)), *(report(id) for id in (1, 2, 3))])
    assert await look(connection) == []
    await count_in(connection, [report(4, at=AT + HOUR)])
    assert await look(connection) == []  # not filed yet
    [pattern] = await look_for_patterns(connection, AT + HOUR, LIMITS)
    assert (pattern.count, pattern.codes[0], pattern.above, pattern.not_to) == (4, "PA-4", "H56", ())
    assert (pattern.first_at, pattern.last_at, pattern.opened_at) == (AT, AT + HOUR, AT + HOUR)
    await count_in(connection, [report(5, at=AT + HOUR)])
    assert await look(connection, AT + HOUR) == []  # one alert while it lasts
    await count_in(connection, [report(6, at=AT + HOUR)])
    assert await look(connection, AT + 2 * HOUR) == [("H56.12", 6, 2, False)]
    assert await look(connection, AT + 2 * HOUR) == []


async def test_one_that_was_closed_opens_again_only_when_it_grows_by_half(connection: AsyncConnection) -> None:
    await count_in(connection, [report(id) for id in range(4)])
    [pattern] = await look_for_patterns(connection, AT, LIMITS)
    assert (
        await close(connection, pattern.code, visible=seen_by(ids=(), units=["H56.9"], restricted=True), at=AT) is None
    )
    assert await close(connection, pattern.code, visible=seen_by(ids=(), units=["H56"], restricted=False), at=AT)
    assert await close(connection, pattern.code, visible=ALL, at=AT) is None
    await count_in(connection, [report(4)])
    assert await look(connection) == []
    assert await shown(connection) == []
    await count_in(connection, [report(5)])
    assert await look(connection) == [("H56.12", 6, 2, False)]
    assert [(one.closed_at, one.revision) for one in await shown(connection)] == [(None, 2)]


async def test_a_pattern_ends_with_the_time_and_another_begins(connection: AsyncConnection) -> None:
    await count_in(connection, [report(id) for id in range(4)])
    await look(connection)
    end = AT + timedelta(days=DAYS)
    assert await look(connection, end - HOUR) == []
    assert len(await shown(connection)) == 1
    assert await look(connection, end) == []
    [ended] = await list_patterns(connection, visible=ALL, closed=True)
    assert (ended.closed_at, await shown(connection)) == (end, [])
    await count_in(connection, [report(id, at=end) for id in range(10, 14)])
    assert await look(connection, end + HOUR) == [("H56.12", 4, 1, False)]


async def test_what_counts_no_more_ends_a_pattern(connection: AsyncConnection) -> None:
    await count_in(connection, [report(id) for id in range(4)])
    await look(connection)
    await count_out(connection, [3])
    assert (await look(connection), await shown(connection)) == ([], [])
    assert await connection.scalar(text("SELECT count(*) FROM complaints.report")) == 3
    await count_in(connection, [report(2, about="H56.13")])  # routed to another
    await look(connection)
    assert await connection.scalar(text("SELECT count(*) FROM complaints.report WHERE about = 'H56.12'")) == 2


async def test_restricted_feedback_counts_for_its_superior_alone(connection: AsyncConnection) -> None:
    sealed = [
        report(id, about="person-7", about_kind="officer", restricted=True, not_to=("person-7", "H56.12"), above=above)
        for id, above in ((1, "H56"), (2, "H56.12"))  # one is with the unit by mistake: it must not be told
    ]
    plain = [report(id, about="person-7", about_kind="officer", above="H56.12") for id in (3, 4)]
    await count_in(connection, [*sealed, *plain])
    assert await look(connection) == [("person-7", 4, 1, True)]
    [pattern] = await shown(connection, "person-1", restricted=True)
    assert (pattern.above, pattern.not_to) == ("H56", ("H56.12", "person-7"))
    for ids, may in ((("person-7",), True), (("person-8", "H56.12"), True), (("person-1",), False)):
        assert await shown(connection, *ids, restricted=may) == []
    await count_in(connection, [report(id, about="person-7", about_kind="officer") for id in (5, 6)])
    assert await look(connection) == [("person-7", 4, 1, False), ("person-7", 6, 2, True)]
    assert [one.count for one in await shown(connection, "person-1")] == [4]  # the restricted two are not in it
    assert not {"PA-1", "PA-2"} & set((await shown(connection, "person-1"))[0].codes)


async def test_nobody_is_told_where_all_above_are_meant_themselves(connection: AsyncConnection) -> None:
    await count_in(connection, [report(id, restricted=True, above="H56", not_to=("H56",)) for id in range(4)])
    [pattern] = await look_for_patterns(connection, AT, LIMITS)
    assert (pattern.above, pattern.not_to) == (None, ("H56", "H56.12"))


async def test_a_pattern_is_said_as_an_event(connection: AsyncConnection) -> None:
    await count_in(connection, [report(id) for id in range(4)])
    [pattern] = await look_for_patterns(connection, AT, LIMITS)
    event = said(pattern, at=AT)
    assert (event.id, event.subject) == (f"{pattern.code}:1", PatternSeen.subject())
    data = decode(PatternSeen, event.body).data
    assert (data.about_kind, data.about, data.count, data.to, data.restricted) == ("unit", "H56.12", 4, "H56", False)
    assert not any(code in orjson.loads(event.body)["data"].values() for code in pattern.codes)
