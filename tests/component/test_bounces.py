"""Bounces that come by HTTP and by Maildir, and the addresses that they show to be dead."""

# ruff: noqa: F811 - fixtures are taken by name

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.notify.receipts import maildir, tokens
from services.notify.settings import NotifySettings
from shared.events import DeadlinePassed, UnitDescribed
from tests.component import harness
from tests.component.office import (
    MONDAY_0730,
    MONDAY_1400,
    Office,
    Open,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
)
from tests.component.receiving import (
    DEPUTY,
    HEAD,
    KEY,
    STAFFED,
    UNITS,
    Gateway,
    by_channel,
    cases,
    gateway,
    instead,
    refuse,
    rows,
    tell,
)
from tests.unit.notify import mails_that_report as mails
from tests.waiting import until


@pytest_asyncio.fixture
async def sms() -> AsyncIterator[Gateway]:
    async with gateway() as made:
        yield made


def monday(clock: str) -> str:
    return f"2026-11-23T{clock}:00+07:00"


async def told(here: Office, **changes: object) -> str:
    """Let the head be told by mail alone that a dossier is near; returns the notice's id."""
    await here.hear(DeadlinePassed, near_at=monday("07:00"), due_at=monday("16:00"), timing="due_soon", **changes)
    await here.move_to(monday("07:00"))
    await here.move_to(MONDAY_0730)
    id: str = (await by_channel(here))["email"]["notice_id"]
    return id


async def bounce(here: Office, raw: bytes) -> dict[str, int]:
    async with harness.caller(here.notify) as http:
        answer = await http.post("/v1/bounces", content=raw)
        assert answer.status_code == 200, answer.text
    await here.settle()
    found: dict[str, int] = answer.json()
    return found


def returned(id: str) -> str:
    return mails.ours(id, proof=tokens.of_notice(KEY, id))


async def test_a_bounced_mail_goes_another_way_and_its_address_is_dead(office: Open, sms: Gateway) -> None:
    async with office(units=UNITS, **sms.settings()) as here:
        id = await told(here)
        assert here.box.taken[0]["X-Dondoc-Notice"] == f"{id} {tokens.of_notice(KEY, id)}"
        assert await bounce(here, mails.postfix(id, to=HEAD, returned=returned(id))) == {"taken": 1}
        assert await bounce(here, mails.postfix(id, to=HEAD, returned=returned(id))) == {"taken": 1}
        notice = (await by_channel(here))["email"]
        assert (notice["status"], notice["receipt"], notice["reason"]) == ("sent", "failed", "receipt: 5.1.1")
        await here.move_to(monday("07:45"))
        assert [(one["channel"], one["why"]) for one in await instead(here)] == [("sms", ["other_channel"])]
        assert await cases(here) == [("dead_address", "H56.12", "")]
        async with harness.caller(here.notify) as http:
            answer = await http.get("/v1/addresses")
        [dead] = answer.json()["addresses"]
        assert (dead["channel"], dead["unit"], dead["role"], dead["failures"]) == ("email", "H56.12", "head", 2)
        assert "example.vn" not in answer.text


async def test_a_dead_address_is_passed_over_until_the_directory_gives_another(office: Open, sms: Gateway) -> None:
    async with office(units=UNITS, **sms.settings()) as here:
        id = await told(here)
        await bounce(here, mails.postfix(id, to=HEAD, returned=returned(id)))
        await here.move_to(monday("07:45"))
        await tell(here, sms.taken[0], 1)
        await another_passes(here)
        await here.move_to(MONDAY_1400)
        mails_to_head = [n for n in await here.notices() if n["channel"] == "email" and not n["instead_of"]]
        assert [(n["status"], n["reason"]) for n in mails_to_head] == [
            ("sent", "receipt: 5.1.1"),
            ("withheld", "dead_address"),
        ]
        assert len(here.box.taken) == 1
        assert [taken["to"] for taken in sms.taken] == ["84900000123", "84900000123"]

        await here.hear_units(moved("moi@example.vn"))
        await here.move_to(monday("14:01"))
        assert await cases(here) == [("dead_address", "H56.12", "replaced")]
        assert await rows(here, "SELECT 1 FROM notify.failing_address") == []


async def another_passes(here: Office) -> None:
    await here.hear(DeadlinePassed, obligation_id="dossier/X", subject_id="X", due_at=monday("09:00"))
    await here.move_to(monday("09:01"))


def moved(email: str) -> UnitDescribed:
    head, deputy = STAFFED.posts
    return STAFFED.model_copy(update={"revision": 2, "posts": (head.model_copy(update={"email": email}), deputy)})


async def test_the_operator_revives_an_address(office: Open, sms: Gateway) -> None:
    async with office(units=UNITS, **sms.settings()) as here:
        id = await told(here)
        await bounce(here, mails.postfix(id, to=HEAD, returned=returned(id)))
        async with harness.caller(here.notify) as http:
            [dead] = (await http.get("/v1/addresses")).json()["addresses"]
            assert (await http.post(f"/v1/addresses/{dead['id']}/revive")).json() == {"revived": dead["id"]}
            assert (await http.post(f"/v1/addresses/{dead['id']}/revive")).status_code == 404
            assert (await http.post(f"/v1/addresses/{10**30}/revive")).status_code in (404, 422)
            assert (await http.get("/v1/addresses")).json() == {"addresses": [], "next": None}
        assert await cases(here) == [("dead_address", "H56.12", "revived")]


def raw_of(id: str, why: str) -> bytes:
    if why == "no proof":
        return mails.postfix(id, to=HEAD, returned=mails.ours(id, proof="0" * 32))
    return mails.postfix(id, to="somebody@else.example", returned=returned(id))


@pytest.mark.parametrize("why", ["no proof", "another's address"])
async def test_what_anybody_could_have_written_makes_no_address_dead(office: Open, sms: Gateway, why: str) -> None:
    async with office(units=UNITS, **sms.settings()) as here:
        id = await told(here)
        await bounce(here, raw_of(id, why))
        assert (await by_channel(here))["email"]["receipt"] == "failed"
        assert await cases(here) == []


async def test_what_anybody_could_have_written_says_of_no_mail_that_it_arrived_and_needs_the_address(
    office: Open, sms: Gateway
) -> None:
    async with office(units=UNITS, **sms.settings()) as here:
        id = await told(here)
        unproven = mails.ours(id, proof="0" * 32)
        for raw in (
            mails.postfix(id, to=HEAD, returned=unproven, action="delivered", status="2.0.0"),
            mails.postfix(id, to="somebody@else.example", returned=unproven),
        ):
            assert await bounce(here, raw) == {"taken": 1}
            assert (await by_channel(here))["email"]["receipt"] in ("", "unknown")
        heard = await rows(here, "SELECT provider, outcome FROM notify.receipt_heard ORDER BY id")
        assert [tuple(row) for row in heard] == [("unproven", "unknown"), ("unproven", "unproven")]


async def test_however_often_anybody_writes_that_mails_failed_no_address_is_dead(office: Open, sms: Gateway) -> None:
    async with office(units=UNITS, **sms.settings()) as here:
        await told(here)
        for number, clock in enumerate(("09:01", "15:01", "15:31")):
            for notice in await here.notices():
                if notice["channel"] == "email":
                    await bounce(here, raw_of(notice["notice_id"], "no proof"))
            about = f"dossier/X{number}"
            await here.hear(DeadlinePassed, obligation_id=about, subject_id=about, due_at=monday(clock))
            await here.move_to((MONDAY_1400, "2026-11-25T07:30:00+07:00", "2026-11-25T14:00:00+07:00")[number])
        assert len([n for n in await here.notices() if n["channel"] == "email" and n["receipt"] == "failed"]) >= 3
        assert await rows(here, "SELECT 1 FROM notify.failing_address") == []


async def test_absence_notes_and_junk_change_nothing(office: Open, sms: Gateway) -> None:
    async with office(units=UNITS, **sms.settings()) as here:
        id = await told(here)
        for raw in (mails.ABSENCE.replace(mails.ID.encode(), id.encode()), b"\xff\x00", b"x" * 1000):
            assert await bounce(here, raw) == {"taken": 0}
        async with harness.caller(here.notify) as http:
            assert (await http.post("/v1/bounces", content=b"x" * (1 << 21))).status_code == 413
            del http.headers["X-API-Key"]
            assert (await http.post("/v1/bounces", content=mails.postfix(id))).status_code == 401
        assert (await by_channel(here))["email"]["receipt"] == ""


async def test_an_address_that_fails_again_and_again_is_dead(
    office: Open, sms: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, HEAD, answer="550 5.2.1 mailbox disabled")
    async with office(units=UNITS, **sms.settings()) as here:
        await told(here)
        await here.move_to(monday("07:45"))
        for number, (clock, slot) in enumerate((("09:01", MONDAY_1400), ("15:01", "2026-11-25T07:30:00+07:00"))):
            assert await cases(here) == []
            about = f"dossier/X{number}"
            await here.hear(DeadlinePassed, obligation_id=about, subject_id=about, due_at=monday(clock))
            await here.move_to(slot)
        assert await cases(here) == [("dead_address", "H56.12", "")]


async def test_a_maildir_is_read_and_a_mail_moved_once_it_is_committed(
    office: Open, sms: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maildir, "LOOK_S", 0.05)
    folder = tmp_path / "bounces"
    async with office(units=UNITS, bounces=folder, **sms.settings()) as here:
        id = await told(here)  # meanwhile the folder is not there, and is waited for
        (folder / "new").mkdir(parents=True)
        (folder / "new" / "1.host").write_bytes(mails.exim(id).replace(b"h56.12@", b"giam.doc@"))
        (folder / "new" / "2.host").write_bytes(mails.ABSENCE)
        (folder / "new" / "3.host").write_bytes(b"")
        await until(lambda: not list((folder / "new").iterdir()))
        assert sorted(path.name for path in (folder / "cur").iterdir()) == ["1.host:2,S", "2.host:2,S", "3.host:2,S"]
        await here.settle()
        assert (await by_channel(here))["email"]["receipt"] == "failed"


async def test_a_mail_stays_in_the_maildir_where_nothing_could_be_committed(
    office: Open, sms: Gateway, tmp_path: Path
) -> None:
    async with office(units=UNITS, **sms.settings()) as here:
        id = await told(here)
        (tmp_path / "new").mkdir()
        (tmp_path / "new" / "1.host").write_bytes(mails.exim(id))
        given = NotifySettings(**sms.settings())  # type: ignore[arg-type]
        async with here.notify.engine.begin() as connection:
            await connection.exec_driver_sql("ALTER TABLE notify.receipt_heard RENAME TO elsewhere")
        with pytest.raises(Exception, match="receipt_heard"):
            await maildir.read_some(here.notify, tmp_path, settings=given)
        assert [path.name for path in (tmp_path / "new").iterdir()] == ["1.host"]
        async with here.notify.engine.begin() as connection:
            await connection.exec_driver_sql("ALTER TABLE notify.elsewhere RENAME TO receipt_heard")
        assert await maildir.read_some(here.notify, tmp_path, settings=given) == 1
        assert DEPUTY not in {mail["To"] for mail in here.box.taken}
