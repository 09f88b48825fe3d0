"""What comes back from real peers: a bounce of Postfix by a Maildir, receipts of a message centre; and what follows."""

# ruff: noqa: F811 - fixtures are taken by name

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.notify.ledger import groups
from services.notify.ledger.standing import standing
from services.notify.policies.file import CARRIED
from services.notify.receipts import maildir, tokens
from services.notify.receipts.inbox import Heard
from shared.events import DeadlinePassed
from tests.component import harness, peers
from tests.component.office import (
    DOSSIER,
    FRIDAY_1601,
    MONDAY_0730,
    MONDAY_1400,
    OVERSIGHT,
    Office,
    Open,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
)
from tests.component.postfix import PASSWORD, Postfix
from tests.component.receiving import (
    KEY,
    STAFFED,
    UNITS,
    by_channel,
    cases,
    gateway,
    hear,
    holding,
    instead,
    rows,
)
from tests.component.sending import CENTRE_SECRET, SECRET, smtp
from tests.component.test_notify_postfix import postfix, through  # noqa: F401 - a fixture
from tests.component.test_notify_smpp import RECEIPT, described, message_centre
from tests.waiting import until

MONDAY_0745 = "2026-11-23T07:45:00+07:00"
GONE = STAFFED.model_copy(
    update={
        "posts": (
            holding("giam.doc", email="giam.doc@gone.example.vn", phone="0900 000 123"),
            holding("pho.giam.doc", post="H56.12/2", role="deputy", title="Phó Giám đốc Sở"),
        )
    }
)


def file_of(folder: Path, *providers: dict[str, Any]) -> Path:
    path = folder / "providers.yaml"
    path.write_text(yaml.safe_dump({"providers": list(providers)}))
    return path


async def stands(here: Office) -> str:
    """Return how the ledger has the dossier."""
    async with here.notify.engine.connect() as connection:
        group = await groups.get_group(connection, f"dossier/{DOSSIER}", at=here.notify.clock.now())
    return standing(group.facts, paused=False)


async def kinds(here: Office, channel: str) -> list[str]:
    found = await harness.said(here.client, "NOTIFY")
    return [event["type"].split(".")[1] for event in found if event["data"].get("channel") == channel]


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="Postfix starts as root only")
async def test_a_mail_that_postfix_took_and_could_not_deliver_comes_back_and_its_head_is_told_by_sms(
    office: Open, postfix: Postfix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maildir, "LOOK_S", 0.2)
    monkeypatch.setenv("DONDOC_NOTIFY_SECRET_RELAY", PASSWORD)
    box = postfix.folder / "mail" / "all"
    async with gateway() as sms:
        kannel = {"name": "kannel", "channel": "sms", "kind": "http", "gateway": "kannel", "url": sms.url}
        how = {
            "providers": file_of(tmp_path, through(postfix), kannel), "relay": False, "receipts_key": KEY,
            "receipts_url": "http://notify", "bounce_address": "bounces@example.vn", "bounces": box,
        }  # fmt: skip

        async with office(units=(OVERSIGHT, GONE), **how) as here:

            async def receipt() -> tuple[str, str]:
                mail = (await by_channel(here))["email"]
                return mail["status"], mail["receipt"]

            near, due = "2026-11-23T07:00:00+07:00", "2026-11-23T16:00:00+07:00"
            await here.hear(DeadlinePassed, near_at=near, due_at=due, timing="due_soon")
            await here.move_to(near)
            await here.move_to(MONDAY_0730)  # near: a mail alone, and Postfix takes it
            await until(receipt, lambda now: now == ("sent", "failed"))
            mail = (await by_channel(here))["email"]
            assert (mail["provider"], mail["reason"]) == ("relay", "receipt: 5.1.1")
            [report] = list((box / "cur").iterdir())
            proof = tokens.of_notice(KEY, mail["notice_id"])
            assert f"bounces+{mail['notice_id']}={proof}@example.vn" in report.read_text()
            assert await cases(here) == [("dead_address", "H56.12", "")]

            await here.move_to(MONDAY_0745)
            [notice] = await instead(here)
            assert (notice["channel"], notice["why"], notice["status"]) == ("sms", ["other_channel"], "sent")
            assert [one["to"] for one in sms.taken] == ["84900000123"]

            await here.hear(DeadlinePassed, obligation_id="dossier/X2", subject_id="X2", due_at=MONDAY_0745)
            await here.move_to(MONDAY_1400)
            [later] = [one for one in await here.notices() if one["channel"] == "email" and one["slot"] != mail["slot"]]
            assert (later["status"], later["reason"]) == ("withheld", "dead_address")


async def test_what_a_message_centre_delivered_is_noted_and_what_it_could_not_goes_to_the_next_person(
    office: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DONDOC_NOTIFY_SECRET_CENTRE", CENTRE_SECRET)
    monkeypatch.setenv("DONDOC_NOTIFY_SECRET_HOOK", SECRET)
    policy = tmp_path / "policy.yaml"
    policy.write_text(CARRIED.read_text().replace("by: [email, sms]", "by: [email, sms, webhook]"))
    async with peers.relay() as relay, message_centre() as peer, peers.http_server() as program:
        hook = {"name": "hook", "channel": "webhook", "kind": "webhook", "secret": "hook"}
        hook["url"] = f"http://127.0.0.1:{program.port}/"
        known = file_of(tmp_path, smtp(relay.port), described(peer.port), hook)
        how = {"providers": known, "policy": policy, "receipts_key": KEY}
        async with office(units=UNITS, relay=False, **how) as here:

            async def receipt() -> str:
                return str((await by_channel(here))["sms"]["receipt"])

            await here.hear(DeadlinePassed)
            await here.move_to(FRIDAY_1601)
            await here.move_to(MONDAY_0730)
            both = await by_channel(here)
            assert (both["email"]["status"], both["sms"]["status"], both["sms"]["receipt"]) == (
                "sent", "sent", "pending",
            )  # fmt: skip
            assert both["sms"]["provider"] == "centre"
            await hear(here, Heard("bounce", "failed", notice_id=both["email"]["notice_id"]))
            assert await peer.say(RECEIPT.format(id="m-1", stat="UNDELIV")) == 0
            await until(receipt, lambda now: now == "failed")
            assert (await by_channel(here))["webhook"]["status"] == "sent"  # which tells no person
            assert await stands(here) == "undelivered"
            await here.move_to(MONDAY_0745)
            [notice] = await instead(here)
            assert (notice["channel"], notice["why"], notice["status"]) == ("email", ["next_person"], "sent")
            assert relay.taken == [both["email"]["notice_id"], notice["notice_id"]]
            assert await stands(here) == "pressed"

            assert await peer.say(RECEIPT.format(id="m-1", stat="DELIVRD")) == 0  # after all
            await until(receipt, lambda now: now == "delivered")
            assert await peer.say(RECEIPT.format(id="m-1", stat="UNDELIV")) == 0
            await here.settle()
            assert await receipt() == "delivered"
            heard = await rows(
                here, "SELECT provider, code, outcome FROM notify.receipt_heard WHERE code <> '' ORDER BY id"
            )
            assert [tuple(row) for row in heard] == [
                ("centre", "UNDELIV", "failed"), ("centre", "DELIVRD", "late"), ("centre", "UNDELIV", "overruled"),
            ]  # fmt: skip
            assert await kinds(here, "sms") == ["notice_stored", "notice_sent", "notice_failed", "notice_delivered"]
