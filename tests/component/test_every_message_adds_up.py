"""Whatever is sent, of every format: accepted + repeated + quarantined = sent, and intake stands."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from sqlalchemy import text

from dondoc.simulate.feed import simulate
from services.intake.main import SERVICE as INTAKE
from services.intake.own.types import TYPES
from services.intake.tables.envelope import Problem, converted, unconverted
from services.intake.understanding import FORMATS
from shared.parking import FAILED_ALONE
from shared.service import Running
from tests import servers as real
from tests.component import harness
from tests.component.spoiling import Spoiler
from tests.contracts.test_feeds_document import BLOCKS

LINES = 1500  # of each format
AT = "2026-11-02T09:10:00+07:00"
DOCUMENTS = Path(__file__).parents[2] / "docs"


def national() -> Iterator[bytes]:
    while True:
        for message in simulate(units=2, days=3, seed=3, start=date(2026, 11, 2), per_day=6):
            yield orjson.dumps(message)


def examples() -> list[dict[str, Any]]:
    """Return every statement of our own format that the documents show."""
    found = [
        {"specversion": "1.0", "id": "1", "source": "/x", "type": name, "time": AT, "data": orjson.loads(block)}
        for name, block in BLOCKS
        if name.startswith("dondoc.")
    ]
    for name in ("oversight", "bridge"):
        text = (DOCUMENTS / f"{name}.md").read_text("utf-8")
        for block in re.findall(r"```json\n(.*?)```", text, re.S):
            found += [orjson.loads(part) for part in block.split("\n\n")]
    return found


def facts() -> Iterator[bytes]:
    """Our own format: single documents and batches of them, of every type."""
    chooser, known, number = random.Random(3), examples(), 0
    while True:
        number += 1
        batch = [{**one, "subject": f"S-{number % 50}"} for one in chooser.choices(known, k=chooser.choice((1, 1, 4)))]
        yield orjson.dumps(batch if len(batch) > 1 else batch[0])


def table() -> Iterator[bytes]:
    """Rows of tables: one object each, some that could not be converted."""
    chooser, known, number = random.Random(3), examples(), 0
    for message in national():
        for thing in orjson.loads(message)["data"]:
            number += 1
            row = converted(number, "national", {**orjson.loads(message), "data": [thing]})
            yield from (row, row)
            yield converted(number, "facts", {**chooser.choice(known), "subject": f"S-{number % 50}"})
            yield unconverted(number, [Problem(column="Ngày hẹn trả", why="no date")], [("Mã hồ sơ", "X-1")])


GOOD = {"national": national, "facts": facts, "table": table}


@pytest_asyncio.fixture
async def intake(nats_url: str, postgres_url: str) -> AsyncIterator[Running]:
    database = await real.fresh_database(postgres_url, migrated=["intake"])
    async with harness.services(INTAKE, nats_url=nats_url, database=database) as running:
        yield running["intake"]
    await real.drop_database(postgres_url, database)


def test_every_format_and_type_is_tried() -> None:
    assert set(GOOD) == set(FORMATS)
    assert {one["type"] for one in examples()} == set(TYPES)


@pytest.mark.parametrize("format", GOOD)
@pytest.mark.parametrize("seed", [1, pytest.param(20261126, marks=pytest.mark.long)])
async def test_what_is_sent_is_accepted_repeated_or_quarantined(format: str, seed: int, intake: Running) -> None:
    spoiler, good = Spoiler(seed), GOOD[format]()
    lines = [spoiler.spoil(next(good)) for _ in range(LINES)]
    async with harness.caller(intake) as client:
        for first in range(0, LINES, 500):
            query: dict[str, str | int] = {"source": "motcua-1", "format": format, "first": first + 1}
            body = b"\n".join(lines[first : first + 500])
            told = await client.post("/v1/imports/spoilt/lines", params=query, content=body)
            assert told.status_code == 202, told.text
    await harness.until_idle({"intake": intake})
    outcomes = await outcomes_of(intake)
    assert len(outcomes) == LINES
    for number, line in enumerate(lines, start=1):
        assert sum(outcomes[number]) == objects_in(line, outcomes[number]), (number, outcomes[number], line[:2000])
    assert await quarantined(intake) == sum(refused for _, _, refused in outcomes.values())
    kinds = [sum(column) for column in zip(*outcomes.values(), strict=True)]
    assert min(kinds) > LINES // 50  # the test tries all three ways


def objects_in(line: bytes, outcome: tuple[int, int, int]) -> int:
    """Return how many objects a line must account for: those of its list, else one; a row of a table is one."""
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return 1
    is_message = isinstance(document, dict) and not {"specversion", "row"} & document.keys()
    objects = document.get("data") if is_message else document
    refused_as_a_whole = outcome == (0, 0, 1)
    return 1 if refused_as_a_whole or not isinstance(objects, list) else len(objects)


async def outcomes_of(intake: Running) -> dict[int, tuple[int, int, int]]:
    async with intake.engine.connect() as connection:
        rows = await connection.execute(text("SELECT line, accepted, repeated, refused FROM intake.import_line"))
        return {line: (accepted, repeated, refused) for line, accepted, repeated, refused in rows}


async def quarantined(intake: Running) -> int:
    """Return how many things were quarantined, repeats counted; none of them may have stopped a batch."""
    async with intake.engine.connect() as connection:
        rows = (await connection.execute(text("SELECT reason, seen FROM intake.quarantine"))).all()
    assert FAILED_ALONE not in {reason for reason, _ in rows}
    return sum(seen for _, seen in rows)
