"""One Monday with every kind of provider that fails: down, slow, refusing for now and for good, hanging up, lying."""

from __future__ import annotations

from collections import Counter

import pytest

from services.notify.telling.rendering import notice_id
from tests import servers as real
from tests.component.office import FRIDAY_1601, MONDAY_0730, MONDAY_1400, OVERSIGHT, at, unit
from tests.component.receiving import STAFFED, holding
from tests.component.sending import migrated, smtp  # noqa: F401 - a fixture
from tests.journeys.faults import House
from tests.journeys.judging import census_is_ledger, every_fact_once, id_of
from tests.journeys.test_pressing_under_faults import house, say
from tests.waiting import until

__all__ = ["house"]  # a fixture

pytestmark = pytest.mark.long  # notify is a process of its own

LATER, NEVER, HANGS_UP, LIES = "H56.13", "H56.14", "H56.15", "H56.16"
UNITS = (
    OVERSIGHT,
    STAFFED,
    unit(LATER),
    unit(NEVER),
    unit(HANGS_UP),
    unit(LIES, email=None, posts=(holding("lies", phone="0900 000 126"),)),
)
OVERDUE = {f"dossier/{one.code[-2:]}": one.code for one in UNITS[1:]}


def mail(post: str) -> str:
    return notice_id(post, at(MONDAY_0730))


async def test_whatever_providers_do_each_head_is_told_or_somebody_else(house: House) -> None:
    house.extra = [smtp(real.free_port(), name="down", timeout_s=3)]
    house.relay.refused = {"lies@example.vn"}
    house.relay.manners = {
        "giam.doc@example.vn": ["slow"],
        f"{LATER.lower()}@example.vn": ["4xx", "4xx", "slow"],
        f"{NEVER.lower()}@example.vn": ["5xx"],
        f"{HANGS_UP.lower()}@example.vn": ["takes_and_drops"],
    }
    await house.start()
    await until(house.is_idle)
    await say(house, UNITS, OVERDUE)
    await house.move_to(FRIDAY_1601)
    await house.move_to(MONDAY_0730)
    await until(lambda: _all_ended(house), what="all of Monday is sent, or refused for good")
    [told] = [message for message in house.sms.taken if id_of(message) == notice_id("H56.12", at(MONDAY_0730), "sms")]
    for word in (2, 1, 8, 1, 2):  # failed, and delivered all the same; the other gateway's word never comes
        assert await house.tell(told, word)
    await house.settled()
    for clock in ("07:31", "08:01", "08:02"):
        await house.move_to(f"2026-11-23T{clock}:00+07:00")
    await house.move_to(MONDAY_1400)
    await until(lambda: _all_ended(house), what="those told instead are")

    taken = Counter(house.relay.taken)
    lies = notice_id(LIES, at(MONDAY_0730), "sms")
    rows = await house.sql.fetch("SELECT id, status, receipt, maybe_doubled, instead_of, post FROM notify.notice")
    state = {row["id"]: (row["status"], row["receipt"]) for row in rows}
    substitutes = {row["instead_of"]: row["post"] for row in rows if row["instead_of"]}
    assert set(taken) == {mail("H56.12"), mail(LATER), mail(HANGS_UP)} | {
        row["id"] for row in rows if row["instead_of"]
    }
    assert state[mail(NEVER)][0] == state[mail(LIES)][0] == "failed"
    assert state[lies] == ("sent", "expired")
    assert set(substitutes.values()) == {"TH-SNV"}
    assert len(substitutes) == 2
    twice = {id for id, number in taken.items() if number > 1}
    assert twice == {mail(HANGS_UP)} == {row["id"] for row in rows if row["maybe_doubled"]}
    await every_fact_once(house, rows=len(rows))
    await census_is_ledger(house, [(id, 2) for id in OVERDUE])


async def _all_ended(house: House) -> bool:
    return await house.count("status = 'stored'") == 0
