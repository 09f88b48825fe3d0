"""The audit on a real database: what is done is in the chain, and whoever changes it is found out."""

from __future__ import annotations

from typing import Any

import asyncpg
import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.notify import cases
from shared.chain import Examination, Head
from shared.events import DeadlinePassed
from shared.events import ObligationEnded as Ended
from tests.component import harness
from tests.component.office import ENDED, FRIDAY_1601, MONDAY_0730, MONDAY_1400, Office, Open, at, migrated, office
from tests.servers import Database

__all__ = ["migrated", "office"]  # fixtures

Log = list[dict[str, Any]]


async def read(here: Office) -> tuple[Log, dict[str, Any]]:
    async with harness.caller(here.notify) as notify:
        head = (await notify.get("/v1/audit/head")).json()
        page = await notify.get("/v1/audit", params={"limit": 1000})
        return [orjson.loads(line) for line in page.content.splitlines()], head


async def broken(here: Office, *, anchor: str | None = None) -> str:
    rows, head = await read(here)
    found = Examination(anchor=bytes.fromhex(anchor) if anchor else None)
    found.take(rows)
    return found.end(Head(head["seq"], bytes.fromhex(head["hash"]))) or ""


async def at_work(here: Office) -> None:
    await here.hear(DeadlinePassed)
    await here.move_to(FRIDAY_1601)
    await here.move_to(MONDAY_0730)
    await here.hear(Ended, **ENDED)
    await here.move_to(MONDAY_1400)


async def test_what_is_done_stands_in_one_unbroken_chain_and_names_nobody(office: Open) -> None:
    async with office() as here:
        await at_work(here)
        async with here.notify.engine.begin() as connection:
            await cases.open_all(connection, [cases.Case("no_head", "H56.12")], at=at(MONDAY_1400))
            assert await cases.close(connection, "no_head", ["H56.12"], outcome="settled", at=at(MONDAY_1400)) == 1
            assert await cases.close(connection, "no_head", ["H56.12"], outcome="settled", at=at(MONDAY_1400)) == 0
        rows, head = await read(here)
        assert (await broken(here), head["seq"]) == ("", len(rows))
        kinds = [row["kind"] for row in rows]
        assert kinds[0] == "policy"
        assert rows[0]["data"]["version"]
        for kind in ("directory", "escalations", "notice_stored", "notice_sent", "audit_anchored", "case_closed"):
            assert kind in kinds
        assert kinds.count("notice_sent") == 2
        [raised, closed] = [row["data"] for row in rows if row["kind"] == "escalations"]
        assert (raised["raised"][0][2:], closed["closed"][0][2:]) == ([1, "H56.12"], [1, "H56.12"])
        directory = next(row["data"] for row in rows if row["kind"] == "directory")
        assert sorted(map(tuple, directory["units"])) == [("H56.12", 1), ("TH-SNV", 1)]
        assert "@" not in str(rows)
        assert "Sở Nông nghiệp" not in str(rows)


async def test_what_is_rolled_back_is_in_no_row(office: Open) -> None:
    async with office() as here:
        rows, _ = await read(here)
        async with here.notify.engine.connect() as connection:
            await cases.open_all(connection, [cases.Case("no_head", "X")], at=at(MONDAY_1400))
            await cases.close(connection, "no_head", ["X"], outcome="settled", at=at(MONDAY_1400))
        assert ((await read(here))[0], await broken(here)) == (rows, "")


async def test_the_service_itself_can_neither_change_nor_remove_a_row(office: Open) -> None:
    async with office() as here:
        for statement in (
            "UPDATE notify.audit SET subject = 'x'",
            "DELETE FROM notify.audit",
            "TRUNCATE notify.audit",
        ):
            async with here.notify.engine.connect() as connection:
                with pytest.raises(DBAPIError, match="append-only"):
                    await connection.execute(text(statement))


SWAP = (
    "UPDATE notify.audit a SET kind = b.kind, subject = b.subject, data = b.data, at = b.at FROM notify.audit b "
    "WHERE (a.seq, b.seq) IN ((3, 4), (4, 3))"
)
RENUMBER = "UPDATE notify.audit SET seq = -seq - 1 WHERE seq >= 3; UPDATE notify.audit SET seq = -seq WHERE seq < 0"
INSERT = (
    f"{RENUMBER}; INSERT INTO notify.audit SELECT 3, at, recorded_at, kind, 'x', data, hash FROM notify.audit "
    "WHERE seq = 2"
)
CUT = (
    "DELETE FROM notify.audit WHERE seq > 4; "
    "UPDATE notify.audit_head h SET seq = a.seq, hash = a.hash FROM notify.audit a WHERE a.seq = 4"
)


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("UPDATE notify.audit SET subject = 'x' WHERE seq = 3", "row 3 is not what was written"),
        ("UPDATE notify.audit SET at = at + interval '1 us' WHERE seq = 3", "row 3 is not what was written"),
        ("UPDATE notify.audit SET data = '{}' WHERE seq = 3", "row 3 is not what was written"),
        ("DELETE FROM notify.audit WHERE seq = 3", "row 3 is missing"),
        (SWAP, "row 3 is not what was written"),
        (INSERT, "row 3 is not what was written"),
        ("DELETE FROM notify.audit WHERE seq > 4", "row 5 is missing"),
        (CUT, "no row has the anchor's hash"),
    ],
)
async def test_whoever_changes_it_all_the_same_is_found_out(
    office: Open, migrated: Database, tampering: str, found: str
) -> None:
    async with office() as here:
        await at_work(here)
        anchor = (await read(here))[0][-1]["hash"]
        assert await broken(here, anchor=anchor) == ""
        admin = await asyncpg.connect(migrated.admin_url)
        await admin.execute(f"ALTER TABLE notify.audit DISABLE TRIGGER audit_kept; {tampering}")
        await admin.close()
        assert found in await broken(here, anchor=anchor)
