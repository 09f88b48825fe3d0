"""notify's commands against a running notify: what may leave, the ledger, the audit, the report."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
import typer
from typer.testing import CliRunner, Result

from services.notify import cli
from shared import bus
from tests import servers as real
from tests.component import harness
from tests.component.harness import API_KEY
from tests.component.test_import import answering
from tests.component.test_notify_ledger import ID, part

CENSUS_AT = "2026-11-25T06:00:00+07:00"
PRESSED = """
    INSERT INTO notify.unit VALUES ('H56.12', 1, '{"code": "H56.12", "revision": 1, "kind": "department",
        "name": "Sở Nông nghiệp và Môi trường", "parent_code": null, "head_title": "Giám đốc", "head_name": null,
        "email": null, "phone": null, "aliases": [], "active": true}');
    INSERT INTO notify.notice (id, post, role, channel, slot, status, reason, recipient, subject, text_body, html_body,
        items, stored_at) VALUES
        ('m1', 'H56.12', 'head', 'email', '2026-11-23T07:30+07', 'recorded', '', 'a@example.vn', '', 't', '', 2, now()),
        ('s1', 'H56.12', 'head', 'sms', '2026-11-23T07:30+07', 'recorded', '', '84900000001', '', 't', '', 2, now()),
        ('m2', 'H56.12', 'head', 'email', '2026-11-23T14:00+07', 'recorded', '', 'a@example.vn', '', 't', '', 1, now()),
        ('m3', 'H56.13', 'head', 'email', '2026-11-24T07:30+07', 'withheld', 'no_contact', '', '', 't', '', 1, now()),
        ('m4', 'H56.12', 'head', 'email', '2026-11-30T23:59+07', 'sent', '', 'a@example.vn', '', 't', '', 1, now());
    INSERT INTO notify.notice_item VALUES
        ('m1', 'dossier/A', 2, 1, 'new'), ('m1', 'dossier/B', 2, 0, 'new'), ('s1', 'dossier/A', 2, 1, 'new'),
        ('m2', 'dossier/A', 3, 5, 'changed'), ('m2', 'dossier/C', 3, 1, 'settled'), ('m3', 'dossier/D', 1, 2, 'new');
"""
DAYS = ("--from", "2026-11-01", "--to", "2026-11-30")


@dataclass(frozen=True)
class Office:
    """The commands of notify, in this process, and the notify that they ask."""

    url: str

    def run(self, *arguments: str) -> Result:
        app = typer.Typer(rich_markup_mode=None)
        cli.register(app)
        known = {"DONDOC_NOTIFY_URL": self.url, "DONDOC_API_KEY": API_KEY, "DONDOC_DATA": "/nowhere"}
        return CliRunner().invoke(app, arguments, env=known)

    def told(self, *arguments: str) -> Any:
        return json.loads("\n".join(lines(self, *arguments, "--json")))


@pytest_asyncio.fixture(scope="module")
async def office(servers: real.Servers, tmp_path_factory: Any) -> AsyncIterator[Office]:
    """A notify that has recorded some notices, and waits for nothing."""
    folder = tmp_path_factory.mktemp("notify")
    await real.empty_jetstream(servers.nats_url)
    await harness.make_streams(servers.nats_url)
    database = await real.fresh_database(servers.postgres_url, migrated=["notify"])
    admin = await asyncpg.connect(database.admin_url)
    await admin.execute(PRESSED)
    await admin.close()
    with answering("notify", nats_url=servers.nats_url, database=database, folder=folder) as notify:
        yield Office(notify)
    await real.drop_database(servers.postgres_url, database)


def lines(office: Office, *arguments: str, code: int = 0) -> list[str]:
    done = office.run(*arguments)
    assert done.exit_code == code, done.stderr
    return (done.stdout if code == 0 else done.stderr).splitlines()


def test_going_live_asks_and_says_what_was_recorded_and_status_says_who_chose(office: Office) -> None:
    assert lines(office, "notify", "status")[0] == "mode: record, as DONDOC_NOTIFY_SEND says"
    told = lines(office, "notify", "mode", "live", code=2)
    assert "3 were only recorded and stay so" in told[0]
    assert "add --yes" in told[-1]
    chosen = lines(office, "notify", "mode", "live", "--yes")[0]
    assert chosen == "mode: live, chosen by `dondoc notify mode`, whatever DONDOC_NOTIFY_SEND says (it says record)"
    assert "paused since" in lines(office, "notify", "pause", "--reason", "bảo trì")[1]
    assert office.told("notify", "status")["reason"] == "bảo trì"
    assert office.told("notify", "resume")["paused"] is False
    assert lines(office, "notify", "mode", "record")[0].startswith("mode: record, chosen by")
    assert office.run("notify", "mode", "loud").exit_code == 2


def test_the_report_is_a_summary_to_read_or_rows_that_open_in_a_spreadsheet(office: Office, tmp_path: Any) -> None:
    said = lines(office, "notify", "report", *DAYS, "--over", "1")
    assert said[0] == "Thông báo đôn đốc từ 01/11/2026 đến 30/11/2026"
    assert said[1:3] == [
        "  4 thư điện tử và 1 tin nhắn SMS cho 2 đơn vị,",
        "  nêu 5 lượt việc: 1 sắp đến hạn, 1 cấp 1, 1 cấp 2, 1 cấp 3 trở lên.",
    ]
    assert "  23/11/2026: 3" in said
    assert "  23/11/2026: 2 thư điện tử, phụ trách H56.12" in said
    assert "  H56.13  chưa rõ tên" in said
    assert "example.vn" not in "\n".join(said)
    file = tmp_path / "thang-11.csv"
    assert lines(office, "notify", "report", *DAYS, "--format", "csv", "--output", str(file)) == []
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [row["Ngày"] for row in rows] == ["2026-11-23", "2026-11-24", "2026-11-30"]
    assert (rows[0]["Đơn vị"], rows[0]["Thư điện tử"], rows[0]["Cấp 3 trở lên"]) == (
        "Sở Nông nghiệp và Môi trường",
        "2",
        "1",
    )
    [day] = lines(office, "notify", "report", "--from", "2026-11-30", "--to", "2026-11-30", "--format", "ndjson")
    assert json.loads(day)["sent"] == 1
    assert "Không có thông báo nào." in lines(office, "notify", "report", "--from", "2027-01-01", "--to", "2027-01-02")
    assert office.run("notify", "report", "--from", "2026-11-02", "--to", "2026-11-01").exit_code == 2


async def test_the_ledger_is_well_only_with_a_census_that_agrees(office: Office, servers: real.Servers) -> None:
    assert "no census has been compared yet" in lines(office, "ledger", "check", code=1)[0]
    async with harness.connected(servers.nats_url) as client:
        await bus.publish(client, [part(CENSUS_AT, [(ID, 1)])])
    told: dict[str, Any] = {"census": None}
    while told["census"] is None:
        told = office.told("ledger", "show")
    assert told["differences"] == {"unknown_here": 1}
    shown = lines(office, "ledger", "show")
    assert "differs: 1 unknown here, 0 of them for 15 minutes and more" in shown
    assert "1 obligations differ" in lines(office, "ledger", "check", code=1)[0]
    assert "notify has not heard of it" in lines(office, "why", "dossier/NONE", code=1)[0]


def test_the_audit_is_written_out_and_proved_here_or_from_the_file(office: Office, tmp_path: Any) -> None:
    for command in ("pause", "resume"):
        lines(office, "notify", command)
    file = tmp_path / "audit.ndjson"
    lines(office, "audit", "export", "--output", str(file))
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    [whole] = lines(office, "audit", "verify")
    assert whole.startswith("whole up to row ")
    anchored = lines(office, "audit", "verify", "--anchor", rows[2]["hash"])
    assert anchored[1] == "the anchor is row 3"
    told = office.told("audit", "verify", "--from", "3")
    assert (told["whole"], told["broken"]) == (True, None)
    assert "no row has the anchor's hash" in lines(office, "audit", "verify", "--anchor", "ab" * 32, code=1)[-1]
    assert office.run("audit", "verify", "--anchor", "abc").exit_code == 2
    assert "there are only" in lines(office, "audit", "verify", "--from", "1000000", code=1)[-1]

    assert lines(office, "audit", "verify", "--file", str(file))[0].startswith("whole up to row ")
    file.write_text("\n".join(json.dumps(r if r["seq"] != 2 else {**r, "subject": "x"}) for r in rows), "utf-8")
    assert "row 2 is not what was written" in lines(office, "audit", "verify", "--file", str(file), code=1)[-1]
    file.write_text('{"seq": 1}\n', "utf-8")
    assert "line 1 of the file is no row" in lines(office, "audit", "verify", "--file", str(file), code=1)[-1]


@pytest.mark.parametrize("command", ["notify mode", "notify report", "ledger check", "audit verify", "why"])
def test_every_command_has_help_with_an_example(office: Office, command: str) -> None:
    assert any("Example: dondoc" in line for line in lines(office, *command.split(), "--help"))
