"""The ledger on real servers: a census of the morning, whole or torn, against what notify pressed for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from shared import bus, metrics
from shared.cloudevents import Outgoing, outgoing
from shared.events import CensusTaken, DeadlinePassed, DeadlinePaused, ObligationEnded
from tests.component import harness
from tests.component.office import (
    DOSSIER,
    ENDED,
    FRIDAY_1601,
    LAND,
    MONDAY_0730,
    MONDAY_1400,
    OVERSIGHT,
    WEDNESDAY_0730,
    WEDNESDAY_1400,
    Office,
    Open,
    at,
    migrated,
    office,
    unit,
)

__all__ = ["migrated", "office"]  # fixtures

ID = f"dossier/{DOSSIER}"
SATURDAY_0600 = "2026-11-21T06:00:00+07:00"
MONDAY_0600, MONDAY_0615 = "2026-11-23T06:00:00+07:00", "2026-11-23T06:15:00+07:00"
MONDAY_0630, MONDAY_0701 = "2026-11-23T06:30:00+07:00", "2026-11-23T07:01:00+07:00"
WEDNESDAY_0600, WEDNESDAY_0615 = "2026-11-25T06:00:00+07:00", "2026-11-25T06:15:00+07:00"


def part(slot: str, overdue: Sequence[tuple[str, int]], *, number: int = 1, of: int = 1) -> Outgoing:
    data = CensusTaken(slot=at(slot), taken_at=at(slot), part=number, parts=of, counts={}, overdue=tuple(overdue))
    about = f"census/{slot}"
    return outgoing(CensusTaken, id=f"{about}:{number}", about=about, time=at(slot), data=data)


async def take_census(here: Office, slot: str, *overdue: tuple[str, int]) -> dict[str, Any]:
    """Say a census, let notify compare it, and return what it found."""
    await bus.publish(here.client, [part(slot, overdue)])
    await here.move_to(slot)
    return await ledger(here)


async def ledger(here: Office) -> dict[str, Any]:
    async with harness.caller(here.notify) as notify:
        answer = await notify.get("/v1/ledger")
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]


async def sql(here: Office, statement: str) -> None:
    async with here.notify.engine.begin() as connection:
        await connection.execute(text(statement))


async def alarm(here: Office, kind: str) -> float:
    """Return the gauge as Prometheus would read it."""
    service = here.notify.service
    async with here.notify.engine.connect() as connection:
        assert service.observe
        await service.observe(connection, here.notify.clock.now())
    return metrics.ledger_differences.labels(kind)._value.get()  # type: ignore[no-any-return]


async def test_what_is_pressed_and_what_waits_with_a_reason_is_no_difference(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed)
        late = {"obligation_id": "dossier/LATER", "backlog": True, "heard_at": "2026-11-23T09:00:00+07:00"}
        await here.hear(DeadlinePassed, **late)
        await here.move_to(FRIDAY_1601)
        found = await take_census(here, MONDAY_0600, (ID, 2), ("dossier/LATER", 2))
        assert found["census"]["standings"] == {"waits_for_slot": 1, "backlog_waits": 1}
        await here.move_to(MONDAY_0730)
        await here.move_to(WEDNESDAY_0730)
        found = await take_census(here, WEDNESDAY_1400, (ID, 2), ("dossier/LATER", 2))
        assert (found["census"]["overdue"], found["census"]["standings"]) == (2, {"pressed": 2})
        assert (found["differences"], found["census"]["next_look_at"]) == ({}, None)


async def test_a_notice_that_is_not_there_is_an_alarm_after_a_second_look(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        await sql(here, "CREATE TABLE notify.kept AS SELECT * FROM notify.notice_item")
        await sql(here, "DELETE FROM notify.notice_item")

        found = await take_census(here, WEDNESDAY_0600, (ID, 2))
        assert found["differences"] == {"never_pressed": 1}
        assert await alarm(here, "never_pressed") == 0
        async with harness.caller(here.notify) as notify:
            [soon] = (await notify.post("/v1/ledger/look")).json()["obligations"]
            assert soon["stands_at"] is None, "asked at once it proves nothing yet"
        async with here.notify.engine.connect() as connection:
            assert await here.notify.service.next_timer(connection) == at(WEDNESDAY_0615)  # type: ignore[misc]

        await here.move_to(WEDNESDAY_0615)
        [one] = (await ledger(here))["obligations"]
        assert (one["obligation_id"], one["kind"], at(one["stands_at"])) == (ID, "never_pressed", at(WEDNESDAY_0615))
        assert await alarm(here, "never_pressed") == 1

        await sql(here, "INSERT INTO notify.notice_item SELECT * FROM notify.kept")
        async with harness.caller(here.notify) as notify:
            assert (await notify.post("/v1/ledger/look")).json()["differences"] == {}
        assert await alarm(here, "never_pressed") == 0


async def test_of_a_settlement_before_a_new_escalation_the_notice_does_not_count(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        await here.hear(ObligationEnded, **ENDED)
        await here.move_to(MONDAY_1400)
        await here.hear(DeadlinePassed, revision=4)
        await here.move_to(WEDNESDAY_0730)
        assert (await take_census(here, WEDNESDAY_1400, (ID, 4)))["census"]["standings"] == {"pressed": 1}
        await sql(here, "DELETE FROM notify.notice_item WHERE revision = 4")
        thursday = "2026-11-26T06:00:00+07:00"
        assert (await take_census(here, thursday, (ID, 4)))["differences"] == {"never_pressed": 1}


async def test_what_the_second_look_finds_right_is_no_alarm(office: Open) -> None:
    async with office() as here:
        await here.move_to(FRIDAY_1601)
        assert (await take_census(here, MONDAY_0600, (ID, 2)))["differences"] == {"unknown_here": 1}
        await here.hear(DeadlinePassed)  # it was on its way
        await here.move_to(MONDAY_0615)
        found = await ledger(here)
        assert (found["differences"], sum(found["standing"].values())) == ({}, 0)


async def test_each_way_to_differ_has_its_name_and_what_is_newer_here_is_passed_over(office: Open) -> None:
    async with office() as here:
        for name, changes in {"A": {}, "B": {"revision": 5}, "C": {}, "D": {}, "P": {}, "Q": {}}.items():
            await here.hear(DeadlinePassed, **{"obligation_id": f"dossier/{name}", **changes})
        await here.move_to(FRIDAY_1601)
        await here.hear(DeadlinePaused, obligation_id="dossier/P", revision=3, state="paused")
        await sql(here, "UPDATE notify.obligation SET due_at = '2027-01-01' WHERE id = 'dossier/D'")
        asked = [("dossier/B", 4), ("dossier/C", 3), ("dossier/D", 2), ("dossier/Q", 2), ("dossier/X", 1)]
        found = await take_census(here, MONDAY_0600, *asked)
        assert {one["obligation_id"]: one["kind"] for one in found["obligations"]} == {
            "dossier/A": "missing_in_census",
            "dossier/C": "older_here",
            "dossier/D": "not_overdue_here",
            "dossier/X": "unknown_here",
        }
        assert (found["census"]["newer"], found["census"]["standings"]["waits_for_slot"]) == (1, 1)
        await here.hear(ObligationEnded, **{**ENDED, "obligation_id": "dossier/A"})  # deadline was right
        await here.move_to(MONDAY_0615)
        assert set((await ledger(here))["differences"]) == {"older_here", "not_overdue_here", "unknown_here"}
        assert await alarm(here, "unknown_here") == 1
        found = await take_census(here, WEDNESDAY_0600, ("dossier/X", 1), ("dossier/Q", 2))
        stands = {one["obligation_id"]: one["stands_at"] is not None for one in found["obligations"]}
        assert stands["dossier/X"], "it differs in two censuses"


async def test_parts_may_come_twice_in_any_order_and_a_torn_census_is_an_alarm_until_it_is_whole(office: Open) -> None:
    async with office() as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        second = part(MONDAY_0600, [("dossier/X", 1)], number=2, of=2)
        again = Outgoing("another-id", second.subject, second.body)
        await bus.publish(here.client, [second, again])
        await here.move_to(MONDAY_0600)
        assert (await ledger(here))["census"] is None
        assert await alarm(here, "census_incomplete") == 0
        await here.move_to(MONDAY_0701)
        assert await alarm(here, "census_incomplete") == 1
        await bus.publish(here.client, [part(MONDAY_0600, [(ID, 2)], number=1, of=2)])
        await here.move_to(MONDAY_0730)
        found = await ledger(here)
        assert (found["census"]["overdue"], found["differences"]) == (2, {"unknown_here": 1})
        assert await alarm(here, "census_incomplete") == 0
        await bus.publish(here.client, [Outgoing("a-third-id", second.subject, second.body)])
        await here.settle()
        assert await alarm(here, "census_incomplete") == 0  # of a census compared before
        await here.move_to(WEDNESDAY_0730)
        assert await alarm(here, "census_missing") == 1


async def test_a_step_rests_with_its_dossier_and_who_has_no_contact_is_named(office: Open) -> None:
    nobody = unit("H56.12", name="Sở Nông nghiệp và Môi trường", email=None)
    async with office(units=(nobody,)) as here:
        await here.hear(DeadlinePassed)
        step = {"obligation_id": f"step/{DOSSIER}/1", "kind": "step", "parent": ID}
        await here.hear(DeadlinePassed, **step)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        found = await take_census(here, WEDNESDAY_0600, (ID, 2), (f"step/{DOSSIER}/1", 2))
        assert found["census"]["standings"] == {"no_contact": 1, "covered_by_dossier": 1}


async def test_why_tells_each_level_and_every_notice_of_one_obligation(office: Open) -> None:
    async with office(units=(OVERSIGHT, LAND), send="record") as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        async with harness.caller(here.notify) as notify:
            told = (await notify.get(f"/v1/obligations/{ID}/pressing")).json()
            assert (await notify.get("/v1/obligations/dossier/NONE/pressing")).status_code == 404
        assert (told["standing"], told["unit"], told["raised"]) == ("recorded", "H56.12", 1)
        assert [(level["level"], level["outcome"]) for level in told["levels"]] == [(1, "told"), (2, "ahead")]
        [notice] = told["notices"]
        assert (notice["status"], notice["reason"], notice["level"]) == ("recorded", "recording_mode", 1)
        assert "@" not in str(told)
