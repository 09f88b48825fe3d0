"""What may leave the house changes while notify runs: modes, pause and resume, on real servers and a real relay."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from services.notify.main import service
from services.notify.sending.channels.email import Relay
from services.notify.sending.mail import Claimed
from services.notify.sending.outcomes import Outcome
from services.notify.sending.traffic import Lane
from services.notify.settings import NotifySettings
from shared.events import DeadlinePassed
from shared.service import Running
from tests.component import harness
from tests.component.office import (
    FRIDAY_1601,
    MONDAY_0730,
    MONDAY_1400,
    OVERSIGHT,
    Mailbox,
    Office,
    Open,
    migrated,
    office,
    smtp_server,
    unit,
)
from tests.servers import Database, free_port
from tests.waiting import until

__all__ = ["migrated", "office"]  # fixtures


async def put(here: Office, **wanted: Any) -> dict[str, Any]:
    async with harness.caller(here.notify) as notify:
        answer = await notify.put("/v1/sending", json=wanted)
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]


async def statuses(here: Office) -> list[str]:
    return sorted(notice["status"] for notice in await here.notices())


async def test_a_pause_lets_notices_be_made_and_sends_them_once_it_ends(office: Open) -> None:
    async with office() as here:
        told = await put(here, paused=True, reason="máy chủ thư được chuyển")
        assert (told["paused"], told["mode"], told["chosen_by"]) == (True, "live", "environment")
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)  # settles: what waits for the operator is no work in flight
        await asyncio.sleep(1.2)  # more than two rounds of the delivery
        assert (here.box.taken, await statuses(here)) == ([], ["stored"])
        counts = (await here.notify.status())["counts"]
        assert (counts["mode"], counts["sending"]) == ({"live": 1}, {"paused": 1})

        assert (await put(here, paused=False))["notices"] == {"stored": 1, "recorded": 0}
        await until(lambda: here.box.taken)
        await here.settle()
        assert await statuses(here) == ["sent"]
        changes = [e["data"] for e in await harness.said(here.client, "NOTIFY") if "sending" in e["type"]]
        assert [(one["revision"], one["mode"], one["paused"]) for one in changes] == [(1, None, True), (2, None, False)]


async def test_a_pause_lets_nothing_more_be_handed_over(office: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    units = [unit(f"H56.{number}") for number in range(20, 28)]
    async with office(units=(OVERSIGHT, *units)) as here:
        handed: list[str] = []
        send = Relay.send

        async def and_pause(relay: Relay, notice: Claimed) -> Outcome:
            handed.append(notice.id)
            if len(handed) == 1:
                await put(here, paused=True)
            return await send(relay, notice)

        monkeypatch.setattr(Relay, "send", and_pause)
        monkeypatch.setattr(Lane, "room", lambda lane: 1 - lane.flying)  # one after another
        for one in units:
            await here.hear(DeadlinePassed, obligation_id=f"dossier/{one.code}", unit=one.code)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        assert (len(handed), await statuses(here)) == (1, ["sent"] + ["stored"] * 7)
        async with here.notify.engine.connect() as connection:
            held = await connection.execute(text("SELECT max(attempts) FROM notify.notice WHERE status = 'stored'"))
            assert held.scalar_one() == 0, "none was tried"
        await put(here, paused=False)
        await here.settle()
        assert (len(here.box.taken), len(set(handed)), await statuses(here)) == (8, 8, ["sent"] * 8)


async def test_an_operators_mode_goes_before_the_environments_and_what_was_recorded_is_never_sent(
    office: Open,
) -> None:
    async with office(send="record") as here:
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        assert await statuses(here) == ["recorded"]
        told = await put(here, mode="live")
        assert (told["mode"], told["environment"], told["chosen_by"]) == ("live", "record", "operator")
        assert told["notices"] == {"stored": 0, "recorded": 1}
        await here.hear(DeadlinePassed, obligation_id="dossier/NEW")
        await here.move_to(MONDAY_1400)
        assert (await statuses(here), len(here.box.taken)) == (["recorded", "sent"], 1)
        counts = (await here.notify.status())["counts"]
        assert (counts["mode"], counts["sending"]) == ({"live": 1}, {"chosen": 1})
        await put(here, mode="live")
        async with harness.caller(here.notify) as notify:
            assert len((await notify.get("/v1/sending")).json()["changes"]) == 1, "nothing changed the second time"
            assert (await notify.put("/v1/sending", json={"mode": "loud"})).status_code == 422
            audit = (await notify.get("/v1/audit")).text
        assert '"kind":"sending_changed"' in audit


async def test_in_recording_mode_a_pause_does_not_pile_up_what_would_go_out_at_once_later(office: Open) -> None:
    async with office(send="record") as here:
        await put(here, paused=True)
        await here.hear(DeadlinePassed)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        assert await statuses(here) == ["recorded"]


WAITING = (
    "INSERT INTO notify.notice (id, post, role, channel, slot, status, recipient, subject, text_body, html_body, "
    "items, stored_at) "
    "VALUES ('{id}', '{id}', 'head', 'email', now(), 'stored', '{id}@example.vn', 's', 't', '<p>t</p>', 1, now())"
)


async def test_a_report_of_a_day_has_the_slots_of_that_day_in_the_province(office: Open) -> None:
    slots = {
        "before": "2026-11-01T22:30:00+07:00", "first": "2026-11-02T00:00:00+07:00",
        "early": "2026-11-02T07:30:00+07:00",
        "late": "2026-11-02T22:30:00+07:00", "after": "2026-11-03T00:00:00+07:00", "next": "2026-11-03T07:30:00+07:00",
    }  # fmt: skip
    async with office() as here:
        await put(here, paused=True)
        async with here.notify.engine.begin() as connection:
            for id, slot in slots.items():
                await connection.execute(text(WAITING.format(id=id).replace("now()", f"'{slot}'", 1)))
        async with harness.caller(here.notify) as notify:
            day = {"from": "2026-11-02", "to": "2026-11-02"}
            rows = (await notify.get("/v1/report", params=day)).json()["rows"]
            people = (await notify.get("/v1/report/people", params={**day, "over": 0})).json()["people"]
    assert [(row["day"], row["unit"]) for row in rows] == [("2026-11-02", one) for one in ("early", "first", "late")]
    assert sorted(unit for one in people for unit in one["units"]) == ["early", "first", "late"]


async def test_every_copy_obeys_within_a_second(nats_url: str, migrated: Database) -> None:
    """Two copies at work; each is told by the other."""
    box, port = Mailbox(), free_port()
    made = service(NotifySettings(send="live", smtp_port=port, smtp_timeout_s=5))
    given: Any = {"nats_url": nats_url, "database": migrated}
    async with harness.services(made, **given) as first, harness.services(made, **given) as second:

        async def leave(id: str, *, arrived: str) -> None:
            """Store a notice; what has arrived then, and a moment later still."""
            async with first["notify"].engine.begin() as connection:
                await connection.execute(text(WAITING.format(id=id)))
            wanted = [f"{one}@example.vn" for one in arrived]
            await until(lambda: [str(mail["To"]) for mail in box.taken], lambda to: to == wanted)
            await asyncio.sleep(1.5)  # a look each second, and the way
            assert [str(mail["To"]) for mail in box.taken] == wanted

        async def tell(copy: dict[str, Running], **wanted: Any) -> None:
            async with harness.caller(copy["notify"]) as notify:
                assert (await notify.put("/v1/sending", json=wanted)).is_success
            await asyncio.sleep(1)

        with smtp_server(box, port):
            await leave("a", arrived="a")
            await tell(second, paused=True)
            await leave("b", arrived="a")
            await tell(first, mode="allowlist", paused=False)
            await leave("c", arrived="a")
            await tell(second, mode="live")
            await leave("d", arrived="ad")
