"""The compose stack as operators run it: healthy, a message in, an obligation out, restarts that lose nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dondoc.stack.layout import SERVICES
from tests.containers.compose import ALL, Stack, command, inspected, published
from tests.servers import ROOT, clean_environment

pytestmark = [
    pytest.mark.skipif(not os.environ.get("DONDOC_TESTS_FULL"), reason="part of `./dev test --full`"),
    pytest.mark.timeout(900),  # the first build fetches every package
]


def dossier(number: int) -> dict[str, Any]:
    return {
        "MaHoSo": f"000.00.12.H56-261102-{number:04d}",
        "MaTTHC": "1.004746",
        "TenLinhVuc": "Hộ tịch",
        "NgayTiepNhan": "20261102091000",
        "NgayHenTra": "20261109091000",
        "TrangThaiHoSo": "2",
        "NgayKetThucXuLy": "",
        "DonViXuLy": "UBND xã Mường Lát",
    }


def message(*dossiers: dict[str, Any]) -> dict[str, Any]:
    return {"session": "", "madonvi": "000.00.12.H56", "service": "DongBoHoSoMC", "data": list(dossiers)}


def test_a_portal_message_becomes_an_obligation(stack: Stack) -> None:
    stack.send(message(dossier(1)))
    [obligation] = stack.obligations()
    assert obligation["subject_id"] == "000.00.12.H56-261102-0001"
    assert obligation["unit"] == "H56.12"
    assert obligation["due_at"] == "2026-11-09T09:10:00+07:00"


def sent_during(stack: Stack, deed: Callable[[], object], *, dossiers: int = 100) -> None:
    """Send dossiers one by one, do the deed in the midst, and see that each has become one obligation."""
    before = {obligation["subject_id"] for obligation in stack.obligations()}
    sent = [dossier(number) for number in range(len(before) + 1, len(before) + 1 + dossiers)]
    doing = threading.Thread(target=deed)
    for at, one in enumerate(sent):
        if at == len(sent) // 4:
            doing.start()
        stack.send(message(one))
    doing.join()
    stack.wait_healthy()
    after = [obligation["subject_id"] for obligation in stack.obligations()]
    assert sorted(after) == sorted(before | {one["MaHoSo"] for one in sent})


@pytest.mark.parametrize("restarted", ["intake"])
def test_a_restart_in_the_midst_of_work_loses_and_doubles_nothing(stack: Stack, restarted: str) -> None:
    sent_during(stack, lambda: stack.run("restart", restarted))


@pytest.mark.parametrize("killed", ["deadline", "postgres"])
def test_a_kill_in_the_midst_of_work_loses_and_doubles_nothing(stack: Stack, killed: str) -> None:
    sent_during(stack, lambda: stack.kill(killed))


def test_three_copies_of_deadline_share_the_work_and_lose_and_double_nothing(stack: Stack) -> None:
    scale = ("up", "--detach", "--no-recreate", "--scale")
    stack.run(*scale, "deadline=3", "deadline")
    try:
        stack.wait_healthy("deadline")
        copies = stack.containers("deadline")
        assert len(copies) == 3
        before = [heard(copy) for copy in copies]
        sent_during(stack, lambda: None, dossiers=200)
        shares = [heard(copy) - was for copy, was in zip(copies, before, strict=True)]
        assert min(shares) > 0
        assert sum(shares) == 200
        wait_watched(stack, 'service:dondoc_copies:up{service="deadline"}', "3")
    finally:
        stack.run(*scale, "deadline=1", "deadline")


def heard(container: str) -> int:
    """Return how many messages of INTAKE a copy of deadline has taken."""
    look = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8002/metrics').read().decode())"
    told = subprocess.run(
        ["docker", "exec", container, "python", "-c", look], capture_output=True, text=True, check=True
    )
    counted = re.findall(
        r'^dondoc_events_total\{outcome="(\w+)",stream="INTAKE"\} ([\d.e+]+)$', told.stdout, re.MULTILINE
    )
    return sum(int(float(count)) for outcome, count in counted)


def wait_watched(stack: Stack, asked: str, wanted: str) -> None:
    """Wait until Prometheus, which looks for copies now and then, answers so."""
    until = time.monotonic() + 60
    said = ""
    while f"=> {wanted} @" not in said:
        assert time.monotonic() < until, said
        time.sleep(1)
        said = stack.run(
            "exec", "-T", "prometheus", "promtool", "query", "instant", "http://localhost:9090", asked
        ).stdout


def test_every_service_is_watched_and_alertmanager_would_hear_of_it(stack: Stack) -> None:
    wait_watched(stack, "count(service:dondoc_copies:up >= 1)", str(len(SERVICES)))
    wait_watched(stack, "count(prometheus_notifications_alertmanagers_discovered == 1)", "1")
    shown = stack.run("exec", "-T", "alertmanager", "amtool", "alert", "--alertmanager.url=http://localhost:9093")
    assert "Alertname" in shown.stdout


def test_the_mailbox_takes_what_notify_sends_and_shows_it(stack: Stack) -> None:
    send = (
        "import smtplib\n"
        "from services.notify.settings import NotifySettings\n"
        "relay = NotifySettings()\n"
        "mail = 'Subject: qua han\\nMessage-ID: <1@example.vn>\\n\\n2 ho so'\n"
        "smtplib.SMTP(relay.smtp_host, relay.smtp_port).sendmail('dondoc@example.vn', ['head@example.vn'], mail)"
    )
    stack.run("exec", "-T", "notify", "python", "-c", send)
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.environment['DONDOC_MAILBOX_PORT']}/v1/mails") as answer:
        [mail] = json.load(answer)["newest"]
    assert (mail["to"], mail["subject"], mail["message_id"]) == ("head@example.vn", "qua han", "<1@example.vn>")


def test_only_what_outsiders_call_is_published_and_on_loopback_alone(stack: Stack) -> None:
    assert {name: ports for name in ALL if (ports := published(stack, name))} == {
        "intake": {"8001/tcp": ["127.0.0.1"]},
        "complaints": {"8003/tcp": ["127.0.0.1"]},  # the citizens' pages
        "notify": {"8004/tcp": ["127.0.0.1"]},  # links of heads, receipts of providers
        "console": {"8000/tcp": ["127.0.0.1"]},
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_runs_as_nobody_special_on_a_read_only_root(stack: Stack, service: str) -> None:
    [told] = inspected(stack, service)
    assert told["Config"]["User"] == "10001:10001"
    assert told["HostConfig"]["ReadonlyRootfs"]


def test_no_secret_is_shown_by_the_engine_by_a_process_or_by_a_log(stack: Stack) -> None:
    secrets = Path(stack.environment["DONDOC_SECRETS"])
    kept = {file.name: text for file in secrets.iterdir() if (text := file.read_text())}
    shown = {name: json.dumps(inspected(stack, name)) for name in ALL}
    shown |= {f"{name}'s process": stack.run("exec", "-T", name, "cat", "/proc/1/environ").stdout for name in SERVICES}
    shown["logs"] = stack.run("logs").stdout
    assert "DONDOC_HTTP_PORT" in shown["intake's process"]
    assert "started" in shown["logs"]
    assert [(where, secret) for where, told in shown.items() for secret, text in kept.items() if text in told] == []


def test_a_role_sees_only_its_own_schema(stack: Stack) -> None:
    look = (
        "import asyncio, asyncpg\n"
        "async def look():\n"
        "    connection = await asyncpg.connect(open('/run/secrets/dondoc_database_url').read())\n"
        "    await connection.execute('SELECT count(*) FROM deadline.obligation')\n"
        "    await connection.execute('SELECT count(*) FROM intake.thing')\n"
        "asyncio.run(look())"
    )
    said = stack.run("exec", "-T", "deadline", "python", "-c", look, check=False).stderr
    assert "permission denied for schema intake" in said


@pytest.mark.parametrize(
    ("container", "asked"),
    [
        (("run", "--rm", "-T", "dondoc"), {"nats", "streams", "services", "calendar"}),
        (("run", "--rm", "-T", "migrate"), {"postgres", "postgres durability", "schemas", "roles", "passwords"}),
        (("exec", "-T", "deadline", "dondoc"), {"nats", "streams", "postgres", "schemas", "roles"}),
        (("exec", "-T", "notify", "dondoc"), {"postgres", "schemas", "roles"}),
    ],
)
def test_the_doctor_finds_nothing_wrong_from_any_container(
    stack: Stack, container: tuple[str, ...], asked: set[str]
) -> None:
    told = json.loads(stack.run(*container, "doctor", "--json", check=False).stdout)["findings"]
    wrong = {finding["check"] for finding in told if finding["state"] == "wrong"}
    of_this_stack = {"mail", "mail relay"} if "notify" in container else set()  # it sends as the example, to a catcher
    assert wrong <= of_this_stack, told
    assert asked <= {finding["check"] for finding in told if finding["state"] == "ok"}, told
    assert {"ports", "disk"} <= {finding["check"] for finding in told if finding["state"] == "left_out"}


def test_without_secrets_compose_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "empty.env").touch()
    arguments = ["--env-file", str(tmp_path / "empty.env"), "config", "--quiet"]
    done = subprocess.run(
        [*command(), *arguments], cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "run deploy/make-secrets.sh first" in done.stderr
