"""Search among many feedbacks, with marks and without: how long it takes, against a plain search of all texts.

Queries are words of the texts themselves: single ones, two, phrases, beginnings, codes; half of them with filters or by
a reader of one unit, some for a later page. What is measured is the call that an answer is made by, its extracts
included. The plain search looks for the same words in each text, without marks (`unaccent`, ILIKE), newest first.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bench.feedback_texts import FIRST, KINDS, STATES, UNITS, texts
from bench.ground import conditions, processor_seconds
from services.complaints.finding.duplicates import suggest_duplicates
from services.complaints.finding.likeness import bands_of
from services.complaints.finding.patterns import look_for_patterns
from services.complaints.finding.query import Query, read
from services.complaints.finding.reports import Report, count_in
from services.complaints.finding.searching import ANY, Filters, search
from services.complaints.finding.store import ALL, Indexed, Visible, index, words_of_row
from services.complaints.suggesting.text import bare
from shared import db
from tests import servers as real
from tests.unit.complaints.likeness_cases import mistyped, reworded, without_marks

QUERIES, PLAIN, COPIES, INSERTS = 300, 40, 300, 500
COLUMNS = ["complaint_id", "code", "text", "place", "handler", "dossier", "kind", "state", "filed_at", "words", "bands"]


@dataclass(frozen=True)
class Asked:
    """One query of the measurement. shape: which sort of query it is."""

    shape: str
    typed: str
    query: Query
    filters: Filters
    visible: Visible
    before: int | None


def asked(rows: Sequence[Indexed], count: int, *, marks: bool, seed: int) -> Iterator[Asked]:
    """Yield queries made of words of texts that have marks; without `marks` the same words are typed bare."""
    chance = random.Random(seed)
    for number in range(count):
        row = chance.choice(rows)
        while row.text == bare(row.text):
            row = chance.choice(rows)
        words = [word for word in row.text.split() if word.isalpha() and len(word) > 1] or ["đất"]
        at = chance.randrange(len(words))
        shape = ("one word", "two words", "three words", "phrase", "beginning", "code", "usual")[number % 7]
        typed = {
            "one word": f"{words[at]} ",
            "two words": " ".join(chance.sample(words, min(2, len(words)))) + " ",
            "three words": " ".join(chance.sample(words, min(3, len(words)))) + " ",
            "phrase": '"' + " ".join(words[at : at + 3]) + '"',
            "beginning": f"{words[at - 1]} {words[at][:2]}",
            "code": row.dossier or row.code,
            "usual": chance.choice(("hồ sơ ", "cán bộ ", "tôi ", "không được ", "đất ", '"bộ phận một cửa"', "đề ngh")),
        }[shape]
        filters, visible = ANY, ALL
        if number % 2:
            since = FIRST + timedelta(days=chance.randrange(850))
            filters = chance.choice(
                (
                    Filters(handler=chance.choice(UNITS)), Filters(state=chance.choice(STATES)),
                    Filters(kind=chance.choice(KINDS)), Filters(since=since, until=since + timedelta(days=30)),
                )
            )  # fmt: skip
            mine = "finding.handler = :may_unit AND NOT (finding.not_to && CAST(:may_ids AS text[]))"
            visible = Visible(mine, {"may_unit": chance.choice(UNITS), "may_ids": ["x"]}) if number % 6 == 1 else ALL
        before = chance.randrange(len(rows)) if number % 10 == 9 else None
        yield Asked(shape, typed, read(typed if marks else bare(typed)), filters, visible, before)


async def load(address: str, rows: Sequence[Indexed]) -> float:
    """Fill the index by COPY and build what it is searched by; returns the seconds the server took."""
    lines = bytearray()
    banded = []
    for row in rows:
        bands = bands_of(row.text)
        banded += [(band, row.complaint_id) for band in bands]
        values = (
            row.complaint_id, row.code, row.text, row.place, row.handler, row.dossier, row.kind, row.state,
            row.filed_at.isoformat(), words_of_row(row), "{" + ",".join(map(str, bands)) + "}",
        )  # fmt: skip
        lines += "\t".join("\\N" if value is None else str(value).replace("\\", "\\\\") for value in values).encode()
        lines += b"\n"
    connection = await asyncpg.connect(address)
    began = time.perf_counter()
    await connection.execute("DROP INDEX complaints.finding_words")

    async def given() -> AsyncIterator[bytes]:
        for at in range(0, len(lines), 1 << 20):
            yield bytes(lines[at : at + (1 << 20)])

    await connection.copy_to_table("finding", source=given(), columns=COLUMNS, schema_name="complaints")
    await connection.copy_records_to_table("finding_band", records=banded, schema_name="complaints")
    await connection.execute(
        "CREATE INDEX finding_words ON complaints.finding USING gin (words) WITH (fastupdate = off)", timeout=600
    )
    await connection.execute("VACUUM ANALYZE complaints.finding, complaints.finding_band", timeout=600)
    await connection.close()
    return time.perf_counter() - began


async def timed(call: Awaitable[object]) -> float:
    began = time.perf_counter()
    await call
    return (time.perf_counter() - began) * 1000


def told(measured: Sequence[float]) -> str:
    ordered = sorted(measured)
    p50, p95, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.95, 0.99))
    return f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms, longest {ordered[-1]:.1f} ms"


async def searches(connection: AsyncConnection, queries: Sequence[Asked]) -> tuple[list[float], float, float]:
    """Return what each query took, and processor time of the server and of Python in the mean; some go before."""

    async def ask(one: Asked) -> object:
        return await search(connection, one.query, visible=one.visible, filters=one.filters, before=one.before)

    for one in queries[:30]:
        await ask(one)
    server = int(await connection.scalar(text("SELECT pg_backend_pid()")) or 0)
    theirs, own = processor_seconds(server), time.process_time()
    measured = [await timed(ask(one)) for one in queries]
    used = (processor_seconds(server) - theirs, time.process_time() - own)
    return measured, used[0] * 1000 / len(queries), used[1] * 1000 / len(queries)


async def plain(address: str, queries: Sequence[Asked]) -> list[float]:
    """Return what the same words take where each text is looked at."""
    connection = await asyncpg.connect(address)  # a superuser: an extension is not ours to make elsewhere
    await connection.execute("CREATE EXTENSION IF NOT EXISTS unaccent SCHEMA public")
    measured = []
    for one in queries:
        words = [bare(word) for word in one.typed.replace('"', " ").split()]
        where = " AND ".join(f"public.unaccent(text) ILIKE ${at}" for at in range(1, len(words) + 1))
        if one.filters.handler:
            where += f" AND handler = '{one.filters.handler}'"
        sql = (
            f"SELECT complaint_id, code, text FROM complaints.finding WHERE {where} ORDER BY complaint_id DESC LIMIT 51"
        )
        measured.append(await timed(connection.fetch(sql, *(f"%{word}%" for word in words), timeout=120)))
    await connection.close()
    return measured


async def inserting(engine: AsyncEngine, rows: Sequence[Indexed]) -> tuple[list[float], list[float]]:
    """Return what it takes to index feedbacks one by one and, each, by fifties: commit included."""

    async def put(some: Sequence[Indexed]) -> None:
        async with db.transaction(engine) as connection:
            await index(connection, some)

    singly = [await timed(put([row])) for row in rows[:INSERTS]]
    rest = rows[INSERTS:]
    fifties = [rest[at : at + 50] for at in range(0, len(rest), 50)]
    return singly, [await timed(put(some)) / len(some) for some in fifties]


async def duplicates(engine: AsyncEngine, rows: Sequence[Indexed], *, seed: int) -> None:
    """Put copies of texts in, ask what each is like, and print how often the text is named and how long it takes."""
    chance = random.Random(seed)
    measured, named, first, listed = [], 0, 0, 0
    start = max(row.complaint_id for row in rows) + 10_000
    ways = (without_marks, mistyped, reworded)
    for number, row in enumerate(chance.sample(rows, COPIES)):
        written = ways[number % 3](row.text, chance)
        copy = Indexed(
            start + number, f"PA-COPY-{number}", written, row.place, row.handler, None, row.kind, "received",
            row.filed_at + timedelta(days=2),
        )  # fmt: skip
        async with db.transaction(engine) as connection:
            await index(connection, [copy])
            began = time.perf_counter()
            found = await suggest_duplicates(connection, copy.complaint_id, visible=ALL)
            measured.append((time.perf_counter() - began) * 1000)
        codes = [one.code for one in found]
        named += row.code in codes
        first += codes[:1] == [row.code]
        listed += len(codes)
    print(f"duplicates: {told(measured)}; of {COPIES} copies (bare, mistyped, reworded) the text is named for "
          f"{named / COPIES:.1%}, first for {first / COPIES:.1%}; {listed / COPIES:.2f} are listed")  # fmt: skip


async def patterns(engine: AsyncEngine, rows: Sequence[Indexed]) -> None:
    """Print what looking for patterns takes with all feedback counted, with nothing new and with a busy minute's."""
    reports = [Report(row.complaint_id, row.code, "unit", row.handler or "", "H56", row.filed_at) for row in rows]
    at = max(row.filed_at for row in rows)
    for begin in range(0, len(reports), 5_000):
        async with db.transaction(engine) as connection:
            await count_in(connection, reports[begin : begin + 5_000])
    async with db.transaction(engine) as connection:
        await connection.execute(text("UPDATE complaints.report SET looked = true"))
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE complaints.report"))

    async def look() -> None:
        async with db.transaction(engine) as connection:
            await look_for_patterns(connection, at, {"unit": (50, 30), "officer": (50, 30)})

    idle = [await timed(look()) for _ in range(100)]
    busy = []
    for number in range(20):
        new = [
            Report(10_000_000 + number * 200 + one, f"N-{number}-{one}", "unit", UNITS[one % len(UNITS)], "H56", at)
            for one in range(200)
        ]
        async with db.transaction(engine) as connection:
            await count_in(connection, new)
        busy.append(await timed(look()))
    print(f"patterns over {len(rows):,}: nothing new {statistics.median(idle):.2f} ms; "
          f"200 new about {len(UNITS)} units {statistics.median(busy):.1f} ms")  # fmt: skip


async def measure(postgres_url: str, *, count: int, seed: int) -> None:
    database = await real.fresh_database(postgres_url, migrated=["complaints"])
    engine = db.engine(database.url("complaints"), name="bench", pool=2)
    made = list(texts(count + 3 * INSERTS, seed=seed))
    rows, more = made[:count], made[count:]
    seconds = await load(database.admin_url, rows)
    letters = statistics.mean(len(row.text) for row in rows)
    print(f"{count:,} texts of {letters:.0f} letters in the mean, loaded and indexed in {seconds:.0f} s")
    async with engine.connect() as connection:
        for name in ("finding", "finding_words", "finding_band"):
            size = text(f"SELECT pg_size_pretty(pg_total_relation_size('complaints.{name}'))")
            print(f"  {name} {await connection.scalar(size)}")
        for marks in (True, False):
            queries = list(asked(rows, QUERIES, marks=marks, seed=seed + 1))
            ours, server, own = await searches(connection, queries)
            print(
                f"search {'with' if marks else 'without'} marks, {QUERIES} queries: {told(ours)}; "
                f"processor, each: server {server:.1f} ms, Python {own:.1f} ms"
            )
            for shape in dict.fromkeys(one.shape for one in queries):
                some = [took for one, took in zip(queries, ours, strict=True) if one.shape == shape]
                print(f"    {shape:12} {told(some)}")
            theirs = await plain(database.admin_url, queries[:PLAIN])
            pairs = [other / own for own, other in zip(ours, theirs, strict=False)]
            print(f"  plain search, {PLAIN} of them: {told(theirs)}; "
                  f"{sum(theirs) / sum(ours[:PLAIN]):.0f} times as long in all (median by pairs "
                  f"{statistics.median(pairs):.1f}: what is common is near the end for both)", flush=True)  # fmt: skip
    singly, by_fifty = await inserting(engine, more)
    print(f"indexing one feedback, committed: {told(singly)}; by fifties, each: {told(by_fifty)}")
    await duplicates(engine, rows, seed=seed + 2)
    await patterns(engine, rows)
    await engine.dispose()
    await real.drop_database(postgres_url, database)


def report(*, count: int, seed: int = 1) -> None:
    """Measure on a database of its own, which keeps what is committed as an installation does."""
    print(conditions(), flush=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = real.PostgresServer(Path(folder))
        server.start()
        try:
            asyncio.run(measure(server.url, count=count, seed=seed))
        finally:
            server.stop()
