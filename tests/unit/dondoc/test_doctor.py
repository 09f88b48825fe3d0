"""What the doctor makes of what it was told: where well ends and a warning or a fault begins."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from pydantic import SecretStr

from dondoc.doctor import (
    broker,
    certificates,
    clock,
    database,
    mail,
    place,
    reference,
    roles,
    services,
    sms,
    surroundings,
)
from dondoc.doctor.examination import bounded
from dondoc.doctor.findings import Finding, as_json, left_out, ok, print_table, warning, well, wrong
from dondoc.doctor.place import Place
from dondoc.doctor.surroundings import GIB
from dondoc.stack import layout, lock
from services.notify.sending import ways
from services.notify.settings import NotifySettings
from shared import db
from shared.streams import STREAMS

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
HERE = Place(Path("/srv/dondoc"))
GOOD_SERVER = {"server_version": "18.1", "server_version_num": "180001", "autovacuum": "on"}
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


def states(findings: Sequence[Finding]) -> list[str]:
    return [finding.state for finding in findings]


def stream(name: str, *, used: int = 0, **config: Any) -> dict[str, Any]:
    """Return what JetStream says of a stream of ours; config: what is otherwise."""
    of = next(one for one in STREAMS.values() if one.name == name)
    return {"config": {**of.config(max_bytes=1000), **config}, "state": {"bytes": used}, "ts": "2026-11-23T04:00:00Z"}


def streams(**changed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: stream(name) for name in STREAMS} | changed


def test_warnings_and_what_was_left_out_are_no_fault() -> None:
    fine = [ok("a", "so"), warning("b", "so", "do"), left_out("c", "why")]
    assert well(fine)
    assert not well([*fine, wrong("d", "so", "do")])


def test_the_document_says_the_verdict_and_each_finding() -> None:
    told = json.loads(as_json([wrong("disk", "đầy", "make room")]))
    assert told == {
        "well": False,
        "findings": [{"check": "disk", "state": "wrong", "said": "đầy", "to_do": "make room"}],
    }


def test_the_table_shows_brackets_as_they_are_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([wrong("roles", "[a] is superuser", "ALTER ROLE"), left_out("sms", "none")])
    said = capsys.readouterr().out
    assert "[a] is superuser" in said
    assert "→ ALTER ROLE" in said
    assert said.splitlines()[-1] == "1 wrong, 1 left out"


@pytest.mark.parametrize(
    ("free", "total", "to_come", "state"),
    [
        (0.9 * GIB, 500 * GIB, 0, "wrong"),
        (4.9 * GIB, 20 * GIB, 0, "warning"),
        (40 * GIB, 500 * GIB, 0, "warning"),  # 8 %
        (60 * GIB, 5000 * GIB, 0, "ok"),  # 1 %, and still plenty
        (60 * GIB, 100 * GIB, 61 * GIB, "warning"),
        (60 * GIB, 100 * GIB, 59 * GIB, "ok"),
    ],
)
def test_the_disk_is_judged_by_what_is_free_and_what_is_to_come(
    free: float, total: int, to_come: int, state: str
) -> None:
    assert states(surroundings.judge_disk(int(free), total, to_come=to_come, where=Path("/srv"))) == [state]


def test_an_occupied_port_is_wrong_until_the_stack_itself_listens_there(tmp_path: Path) -> None:
    with socket.socket() as occupant:
        occupant.bind((layout.HOST, 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        assert not lock.is_free(port)
        [finding] = surroundings.judge_ports({"console": port})
    assert finding.state == "wrong"
    assert f"port {port} of console" in finding.said
    assert states(surroundings.judge_ports({})) == ["ok"]


def test_servers_of_the_operators_own_need_no_port_here() -> None:
    urls = dict.fromkeys(layout.SERVICES, "postgresql://a@db/dondoc")
    assert surroundings.wanted_ports(replace(HERE, nats_url="nats://n", database_urls=urls)).keys() == set(
        layout.SERVICES
    )
    assert surroundings.wanted_ports(HERE).keys() == layout.PORT_OFFSETS.keys()


@pytest.fixture
def data() -> Iterator[Path]:
    """A private folder that lies where everybody may look; pytest's own do not."""
    with TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def test_a_secret_is_exposed_only_where_every_folder_above_lets_others_pass(data: Path) -> None:
    secrets = data / "secrets.json"
    secrets.write_text("{}")
    secrets.chmod(0o644)
    assert states(surroundings.check_secret_files(data)) == ["ok"]
    data.chmod(0o755)
    [finding] = surroundings.check_secret_files(data)
    assert (finding.state, finding.to_do) == ("wrong", f"chmod o-rwx {secrets}")
    secrets.chmod(0o640)
    assert states(surroundings.check_secret_files(data)) == ["ok"]


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("DONDOC_API_KEY=abc", True),
        ("export DONDOC_INTAKE_DATABASE_URL='postgresql://a:b@c/d'", True),
        ("DONDOC_NOTIFY_SMS_PASSWORD=abc", True),
        ("DONDOC_API_KEY=", False),
        ("# DONDOC_API_KEY=abc", False),
        ("DONDOC_LOG_LEVEL=debug", False),
    ],
)
def test_a_file_of_settings_is_guarded_once_it_holds_a_secret(tmp_path: Path, line: str, secret: bool) -> None:
    (tmp_path / ".env").write_text(f"DONDOC_NOTIFY_SEND=record\n{line}\n")
    assert surroundings.holds_secret(tmp_path / ".env") is secret


def test_a_wrong_setting_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DONDOC_NOTIFY_SMTP_PORT", "abc")
    monkeypatch.setenv("DONDOC_CLOCK", "stopped")
    assert [finding.said.split()[0] for finding in surroundings.check_settings()] == [
        "DONDOC_CLOCK",
        "DONDOC_NOTIFY_SMTP_PORT",
    ]


def test_a_container_is_asked_for_its_own_service_alone() -> None:
    url = "postgresql://dondoc_deadline:x@postgres/dondoc"
    inside = Place(Path("/x"), database_urls=place.own_urls(dict.fromkeys(layout.SERVICES, url)), contained=True)
    assert inside.database_urls == {"deadline": url}
    assert inside.knows("deadline")
    assert not inside.knows("notify")
    common = "postgresql://ours:x@postgres/dondoc"
    assert len(place.own_urls(dict.fromkeys(layout.SERVICES, common))) == 5


def test_an_address_is_told_without_its_password() -> None:
    assert place.at("postgresql://dondoc:secret@db:5432/x?ssl=require") == "db:5432"


@pytest.mark.parametrize(("version", "state"), [((2, 15, 1), "ok"), ((2, 14, 9), "warning"), ((3, 0, 0), "ok")])
def test_an_old_nats_is_a_warning(version: tuple[int, int, int], state: str) -> None:
    assert states(broker.judge_version(version)) == [state]


def test_nats_must_say_that_it_syncs_always() -> None:
    assert states(broker.judge_sync({"config": {"sync_always": True}})) == ["ok"]
    assert states(broker.judge_sync({"config": {"sync_interval": 120}})) == ["wrong"]
    assert states(broker.judge_sync({"disabled": True})) == ["wrong"]


def test_streams_are_compared_with_what_they_must_be() -> None:
    assert states(broker.judge_streams(streams(), max_bytes=1000)) == ["ok"]
    [lossy] = broker.judge_streams(streams(INTAKE=stream("INTAKE", discard="old")), max_bytes=1000)
    assert (lossy.state, lossy.said) == ("wrong", "stream INTAKE: discard is 'old' and must be 'new'")
    [missing] = broker.judge_streams(streams(NOTIFY={}), max_bytes=1000)
    assert (missing.state, missing.said) == ("wrong", "there is no stream NOTIFY")
    assert states(broker.judge_streams({name: {} for name in STREAMS}, max_bytes=1000)) == ["left_out"]
    assert states(broker.judge_streams(streams(FEED=stream("FEED", max_bytes=7)), max_bytes=1000)) == ["warning"]


@pytest.mark.parametrize(("used", "state"), [(699, "ok"), (700, "warning"), (950, "wrong")])
def test_a_stream_near_its_bound_is_told_before_it_refuses(used: int, state: str) -> None:
    assert states(broker.judge_room(streams(FEED=stream("FEED", used=used)))) == [state]


@pytest.mark.parametrize(
    ("stamp", "read"),
    [
        ("2026-11-23T04:00:00.123456789Z", ".123456"),
        ("2026-11-23T04:00:00.5Z", ".500000"),
        ("2026-11-23T04:00:00Z", ""),
    ],
)
def test_the_time_of_jetstream_is_read_to_the_microsecond(stamp: str, read: str) -> None:
    assert broker._fraction(stamp) == read


@pytest.mark.parametrize(("seconds", "state"), [(-1.9, "ok"), (2.1, "warning"), (-31, "wrong")])
def test_a_servers_clock_may_differ_by_two_seconds(seconds: float, state: str) -> None:
    [finding] = clock.judge_offset("NATS", timedelta(seconds=seconds))
    assert finding.state == state
    assert ("ahead of" if seconds > 0 else "behind") in finding.said


def test_an_unsynchronised_clock_is_a_warning() -> None:
    assert states(clock.judge_synchronisation(None)) == ["left_out"]
    assert states(clock.judge_synchronisation(16_000_000)) == ["warning"]
    assert states(clock.judge_synchronisation(40_000)) == ["ok"]
    assert (clock.largest_error_us() or 0) >= 0


def test_a_machine_without_the_time_zone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert states(clock.check_zone()) == ["ok"]
    monkeypatch.setattr(clock, "ZONE", "Asia/Nowhere")
    assert states(clock.check_zone()) == ["wrong"]
    monkeypatch.setattr(clock, "ZONE", "Europe/Paris")
    assert states(clock.check_zone()) == ["wrong"]


def test_postgresql_is_judged_by_version_and_housekeeping() -> None:
    assert states(database.judge_server(GOOD_SERVER)) == ["ok"]
    assert states(database.judge_server({**GOOD_SERVER, "server_version_num": "170009"})) == ["warning"]
    assert states(database.judge_server({**GOOD_SERVER, "autovacuum": "off"})) == ["ok", "wrong"]


@pytest.mark.parametrize("name", DURABLE)
def test_a_commit_that_can_be_lost_is_wrong_and_says_for_whom(name: str) -> None:
    [finding] = database.judge_durability({"intake": DURABLE, "notify": {**DURABLE, name: "off"}})
    assert finding.state == "wrong"
    assert finding.said.startswith(f"{name} is off for notify:")


def test_schemas_behind_and_ahead_are_told_apart() -> None:
    newest = db.versions("intake")[0]
    assert states(database.judge_schemas({"intake": newest})) == ["ok"]
    found = database.judge_schemas({"intake": None, "notify": "9999"})
    assert states(found) == ["wrong", "wrong"]
    assert [finding.to_do.split(",")[0] for finding in found] == [
        "run `dondoc migrate`",
        "run the newer program that made it",
    ]


def test_a_role_with_too_much_is_told_with_the_statement_that_mends_it() -> None:
    good = roles.Told("dondoc_intake")
    assert states(roles.judge({"intake": good, "notify": roles.Told("dondoc_notify")})) == ["ok"]
    much = replace(
        good,
        attributes=("createdb",),
        memberships=("pg_read_all_data",),
        neighbours=("deadline",),
        databases=("postgres",),
        here=("TEMPORARY",),
    )
    found = roles.judge({"intake": much})
    assert states(found) == ["wrong", "wrong", "wrong", "warning", "warning"]
    assert found[0].to_do == "ALTER ROLE dondoc_intake NOCREATEDB"


def test_one_role_for_all_services_is_a_warning_and_no_neighbour_of_itself() -> None:
    one = roles.Told("ours", neighbours=("deadline",), here=("CREATE",))
    assert states(roles.judge(dict.fromkeys(layout.SERVICES, one))) == ["warning"]


def test_an_address_without_password_is_a_warning() -> None:
    assert states(roles.judge_passwords({"intake": "postgresql://dondoc_intake@db/dondoc"})) == ["warning"]
    assert not roles.judge_passwords({"intake": "postgresql://dondoc_intake:x@db/dondoc"})


@pytest.mark.parametrize(("days", "state"), [(31, "ok"), (29, "warning"), (6, "wrong"), (-1, "wrong")])
def test_a_certificate_is_to_be_renewed_in_time(days: int, state: str) -> None:
    ends = (NOW + timedelta(days=days, hours=1)).strftime("%b %d %H:%M:%S %Y GMT")
    assert states(certificates.judge("NATS", {"notAfter": ends}, now=NOW)) == [state]
    assert states(certificates.judge("NATS", {}, now=NOW)) == ["left_out"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["ok"]),
        ({"send": "live"}, ["wrong"]),  # the sender is the example's
        ({"send": "live", "sender": "Đôn đốc <dd@thanhhoa.gov.vn>"}, ["ok"]),
        ({"send": "allowlist", "sender": "dd@thanhhoa.gov.vn"}, ["warning"]),
        (
            {"send": "live", "sender": "dd@thanhhoa.gov.vn", "smtp_username": "u", "smtp_host": "mail.thanhhoa.gov.vn"},
            ["warning"],
        ),
    ],
)
def test_what_may_leave_the_house_is_judged_before_it_does(settings: dict[str, Any], expected: list[str]) -> None:
    given = NotifySettings(**settings)
    assert states(mail.judge_settings(given, ways.named(given))) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["left_out"]),
        ({"sms_gateway": "kannel"}, ["left_out"]),  # in mode record nothing is sent
        ({"send": "live", "sms_gateway": "kannel", "sms_url": "http://127.0.0.1:9/"}, ["wrong", "warning"]),
    ],
)
async def test_the_sms_gateway_is_looked_at(settings: dict[str, Any], expected: list[str]) -> None:
    given = NotifySettings(**settings)
    assert states(await sms.examine(given, ways.named(given))) == expected


@pytest.mark.parametrize(
    "settings",
    [
        {"SMS_GATEWAY": "nobody.yaml"},
        {"SMS_GATEWAY": "kannel", "SMS_URL": "http://127.0.0.1:port/"},
        {"PROVIDERS": "nobody.yaml"},
    ],
)
async def test_providers_that_notify_would_not_start_with_are_told(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"DONDOC_NOTIFY_{name}", value)
    assert [one.state for one in await mail.examine(HERE) if one.check == "providers"] == ["wrong"]


async def test_every_provider_of_a_file_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "providers.yaml"
    path.write_text(
        "providers:\n"
        "  - {name: relay, channel: email, kind: smtp, host: 127.0.0.1, port: 9, tls: none}\n"
        "  - {name: hook, channel: webhook, kind: webhook, url: 'http://127.0.0.1:9/', secret: hook}\n"
    )
    monkeypatch.setenv("DONDOC_NOTIFY_PROVIDERS", str(path))
    monkeypatch.setenv("DONDOC_NOTIFY_SEND", "live")
    found = await mail.examine(HERE)
    assert [(one.check, one.state) for one in found] == [
        ("mail", "wrong"), ("mail relay", "wrong"), ("sms", "left_out"), ("webhook", "wrong"), ("webhook", "wrong"),
    ]  # fmt: skip
    assert "set DONDOC_NOTIFY_SECRET_HOOK" in found[-1].said


async def test_an_sms_gateway_that_listens_can_be_reached_and_its_password_is_not_shown() -> None:
    import asyncio

    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/cgi-bin/sendsms"
    settings = NotifySettings(send="live", sms_gateway="kannel", sms_url=url, sms_password=SecretStr("secret-1"))
    found = await sms.examine(settings, ways.named(settings))
    server.close()
    assert states(found) == ["ok"]
    assert "secret-1" not in found[0].said


@pytest.mark.parametrize(("days", "state"), [(91, "ok"), (89, "warning"), (-1, "wrong")])
def test_the_calendar_must_reach_a_quarter_ahead(days: int, state: str) -> None:
    today = date(2026, 11, 23)
    assert states(reference.judge_calendar(today + timedelta(days=days), today=today)) == [state]


def test_services_that_are_not_ready_and_a_filled_quarantine_are_warnings() -> None:
    answers: dict[str, Any] = {service: {"ready": True, "quarantine": 0, "counts": {}} for service in layout.SERVICES}
    assert states([*services.judge_ready(answers), *services.judge_quarantine(answers)]) == ["ok", "ok"]
    answers["notify"] = None
    answers["intake"] = {"ready": False, "quarantine": 2}
    found = [*services.judge_ready(answers), *services.judge_quarantine(answers)]
    assert [finding.said for finding in found] == [
        "intake is not ready",
        "notify does not answer",
        "2 entries of intake",
    ]
    assert set(states(found)) == {"warning"}


def test_settings_other_than_those_of_the_running_service_are_told() -> None:
    answers: dict[str, Any] = {"notify": {"counts": {"mode": {"live": 1}}}}
    assert states(services.judge_mode(answers, "record")) == ["warning"]
    assert not services.judge_mode(answers, "live")
    assert not services.judge_mode(answers, None)


async def test_a_check_that_fails_by_itself_is_a_finding_without_what_it_was_told() -> None:
    async def fails(_: Place) -> list[Finding]:
        raise RuntimeError("postgresql://dondoc:secret@db")

    [finding] = await bounded("postgres", fails, HERE)
    assert finding.state == "wrong"
    assert "RuntimeError in fails" in finding.said
    assert "secret" not in finding.said + finding.to_do


async def test_a_check_that_hangs_is_ended() -> None:
    import asyncio

    async def hangs(_: Place) -> list[Finding]:
        await asyncio.sleep(60)
        return []

    assert states(await bounded("nats", hangs, HERE, within_s=0.05)) == ["wrong"]
