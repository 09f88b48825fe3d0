"""What must hold of notify after whatever befell it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson

from shared import bus, chain
from tests.component import harness
from tests.component.test_notify_ledger import part
from tests.journeys.faults import House

MONDAY_1415, MONDAY_1430 = "2026-11-23T14:15:00+07:00", "2026-11-23T14:30:00+07:00"


def id_of(message: dict[str, str]) -> str:
    return message["dlr-url"].partition("id=")[2].partition("&")[0]


async def every_fact_once(house: House, *, rows: int) -> None:
    """Each event is in the stream once, each digest once, each receipt dealt with, and the audit is a chain."""
    said = await harness.said(house.client, "NOTIFY")
    ids = Counter(event["id"] for event in said)
    assert ids.most_common(1)[0][1] == 1
    about = Counter((event["type"], event["subject"], event["data"].get("revision")) for event in said)
    for kind in ("notify.notice_stored.v1", "notify.notice_sent.v1", "notify.notice_delivered.v1"):
        assert all(number == 1 for (of, _, revision), number in about.items() if of == kind), kind
    made = ("notify.notice_stored.v1", "notify.notice_withheld.v1")
    assert sum(number for (of, _, revision), number in about.items() if of in made and revision == 1) == rows
    assert sum(number for (of, _, revision), number in about.items() if of == "notify.notice_delivered.v1") == 1
    of_slot = "SELECT 1 FROM notify.notice WHERE instead_of = '' GROUP BY post, slot, channel HAVING count(*) > 1"
    assert await house.sql.fetch(of_slot) == []
    assert await house.sql.fetch("SELECT 1 FROM notify.receipt_heard WHERE done_at IS NULL") == []
    assert await house.sql.fetchval("SELECT count(*) FROM notify.outbox") == 0
    assert await house.sql.fetchval("SELECT count(*) FROM notify.quarantine") == 0
    await the_audit_is_whole(house, said)


async def the_audit_is_whole(house: House, said: list[dict[str, Any]]) -> None:
    """Its chain holds, and each notice's event is in it as often as it was said."""
    rows = [orjson.loads(line) for line in (await house.get("/v1/audit?limit=10000")).splitlines()]
    head = orjson.loads(await house.get("/v1/audit/head"))
    examined = chain.Examination()
    examined.take(rows)
    assert examined.end(chain.Head(head["seq"], bytes.fromhex(head["hash"]))) is None
    kept = Counter((row["kind"], row["subject"]) for row in rows if row["kind"].startswith("notice_"))
    assert kept == Counter(
        (event["type"].split(".")[1], event["subject"]) for event in said if event["type"].startswith("notify.notice_")
    )


async def census_is_ledger(house: House, overdue: list[tuple[str, int]]) -> None:
    await bus.publish(house.client, [part(MONDAY_1415, overdue)])
    await house.move_to(MONDAY_1415)
    await house.move_to(MONDAY_1430)
    found = orjson.loads(await house.get("/v1/ledger"))
    assert (found["census"]["overdue"], found["differences"]) == (len(overdue), {}), found
