"""No secret and nothing personal comes out where operators look: logs, metrics, states, command lines.

A whole stack at log level debug, through good work and through failures: unreadable and poisoned messages, a
refused key, a relay that refuses the log-in, both servers killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from dondoc.drive import Driver, driving
from dondoc.simulate.province import demo_directory
from dondoc.stack import nats, postgres, running
from services.notify.answering import tokens
from services.notify.answering.tokens import Link
from services.notify.receipts import tokens as tokens_of_receipts
from shared.clock import machine_now
from shared.secrets import KEY_HEADER
from tests import servers as real
from tests.component.peers import refusing_relay
from tests.unit.notify import mails_that_report as mails
from tests.waiting import until

pytestmark = pytest.mark.long

MARK = "7731"  # in everything planted, so that a test that searches for the wrong thing is seen
SECRETS = {
    "DONDOC_API_KEY": f"khoa-kin-{MARK}",
    "DONDOC_NOTIFY_SMTP_PASSWORD": f"mat-khau-{MARK}",
    "DONDOC_NOTIFY_SMS_PASSWORD": f"mat-khau-sms-{MARK}",
}
WRONG_KEY = f"khoa-sai-{MARK}"
PERSONAL = {
    "ChuHoSo": f"Nguyễn Văn KinTen{MARK}",
    "SoDienThoai": f"090000{MARK}",
    "Email": f"kinmail{MARK}@example.vn",
    "SoGiayTo": f"03820000{MARK}",
    "DiaChi": f"KinDiaChi{MARK}, phường Hạc Thành",
}
REASON = f"KinLyDo{MARK}: chờ bà Lê Thị KinTen{MARK}"
FEEDBACK = {"text": f"KinNoiDung{MARK}: chờ đã ba tuần", "contact": f"091111{MARK}", "unit": "H56.12"}
SEARCHED = {
    *SECRETS.values(), WRONG_KEY, f"KinTen{MARK}", f"090000{MARK}", f"kinmail{MARK}", f"03820000{MARK}",
    f"KinDiaChi{MARK}", f"KinNoiDung{MARK}", f"091111{MARK}", f"KinLyDo{MARK}",
}  # fmt: skip
COMMANDS = (
    "status --json", "doctor --json", "notify status --json", "notify addresses list --json", "cases list --json",
    "ledger show --json", "audit export", "export notices", "notify report --from 2026-11-02 --to 2026-11-30",
)  # fmt: skip
START, LATE, NEXT_SLOT = "2026-11-02T00:00:00+07:00", "2026-11-10T09:00:00+07:00", "2026-11-11T09:00:00+07:00"


@dataclass
class Stack:
    """A running stack, and the ways to it."""

    data: Path
    at: running.Running
    driver: Driver
    http: httpx.AsyncClient
    codes: set[str] = field(default_factory=set)  # of feedback the secrets, of links and receipts: all of use

    async def post(self, service: str, path: str, **what: Any) -> int:
        """Post something; returns the answer's code, 0 where nobody answers."""
        try:
            return (await self.http.post(f"{self.at.http_urls[service]}{path}", **what)).status_code
        except httpx.TransportError:
            return 0

    async def feed(self, *dossiers: Any) -> int:
        body = {"session": "", "madonvi": "000.00.12.H56", "service": "DongBoHoSoMC", "data": list(dossiers)}
        return await self.post("intake", "/v1/feeds/motcua-1/national", json=body)

    async def as_superuser(self, *statements: str) -> None:
        password = json.loads((self.data / "secrets.json").read_text())["postgres"]
        connection = await asyncpg.connect(postgres.url(port=self.at.ports["postgres"], password=password))
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    def kill(self, server: str) -> None:
        told = running.read_down(self.data)
        assert told
        os.kill(told.programs[server].pid, signal.SIGKILL)


@contextlib.asynccontextmanager
async def stack_of(data: Path) -> AsyncIterator[Stack]:
    async with contextlib.AsyncExitStack() as parts:
        relay = parts.enter_context(refusing_relay())
        env = {
            **SECRETS,
            "DONDOC_LOG_LEVEL": "debug",
            "DONDOC_CLOCK": "driven",
            "DONDOC_NOTIFY_SEND": "live",
            "DONDOC_NOTIFY_SMTP_PORT": str(relay),
            "DONDOC_NOTIFY_SMTP_USERNAME": "dondoc",
            "DONDOC_NOTIFY_SMS_GATEWAY": "kannel",
            "DONDOC_NOTIFY_SMS_USERNAME": "dondoc",
            "DONDOC_NOTIFY_SMS_URL": f"http://127.0.0.1:{real.free_port()}/cgi-bin/sendsms",
            "DONDOC_NOTIFY_RECEIPTS_URL": "http://127.0.0.1:1",
            "DONDOC_NOTIFY_PUBLIC_URL": "http://127.0.0.1:1",
        }
        at = await asyncio.to_thread(parts.enter_context, real.running_stack(data, env=env))
        key = {KEY_HEADER: SECRETS["DONDOC_API_KEY"]}
        http = await parts.enter_async_context(httpx.AsyncClient(headers=key, timeout=10))
        client = await parts.enter_async_context(nats.client(at))
        driver = await parts.enter_async_context(driving(client, start=datetime.fromisoformat(START)))
        yield Stack(data, at, driver, http)


def dossier(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "MaHoSo": f"000.00.12.H56-261102-{number:04}",
        "MaTTHC": "1.004746",
        **PERSONAL,
        "NgayTiepNhan": "20261102091000",
        "NgayHenTra": "20261109091000",
        "TrangThaiHoSo": "2",
        "NgayKetThucXuLy": "",
        "DonViXuLy": "UBND xã Mường Lát",
        **fields,
    }


async def work_and_fail(stack: Stack) -> None:
    """Let everything happen that can; each step is proved to have happened."""
    assert await stack.post("intake", "/v1/directory", content=demo_directory(20)) == 200
    assert await stack.feed(dossier(1), dossier(2)) == 202
    await bad_messages(stack)
    await citizens(stack)
    await poisoned(stack)
    stack.kill("postgres")
    lost = [await stack.post("complaints", "/v1/complaints", json=FEEDBACK), await stack.feed(dossier(3))]
    assert 503 in lost or 0 in lost
    await until_well(stack)
    stack.kill("nats")
    await stack.feed(dossier(4))
    await until_well(stack)


async def bad_messages(stack: Stack) -> None:
    """Send what intake must refuse, whole and in part."""
    assert await stack.feed(dossier(5, NgayTiepNhan=PERSONAL["ChuHoSo"]), PERSONAL["ChuHoSo"], {**PERSONAL}) == 202
    assert await stack.feed(dossier(6, ChuHoSo=f"KinTen{MARK}\0", MaTTHC=f"KinTen{MARK}\0")) == 202
    broken = [f'{{"ChuHoSo": "KinTen{MARK}"', f"\xff KinTen{MARK}".encode("latin-1"), json.dumps([PERSONAL])]
    for body in broken:
        assert await stack.post("intake", "/v1/feeds/motcua-1/national", content=body) == 202


async def citizens(stack: Stack) -> None:
    """File a feedback, one that does not fit, and one with a wrong key and a NUL."""
    filed = await stack.http.post(f"{stack.at.http_urls['complaints']}/v1/complaints", json=FEEDBACK)
    stack.codes.add(filed.json()["secret"])
    assert await stack.post("complaints", "/v1/complaints", json={"text": [FEEDBACK["text"]], "contact": 1}) == 422
    assert await stack.post("complaints", "/v1/complaints", content=f'{{"text": "{FEEDBACK["text"]}') == 422
    await stack.post("complaints", "/v1/complaints", json={**FEEDBACK, "contact": f"091111{MARK}\0"})
    for service in ("intake", "complaints", "deadline", "notify"):
        await stack.post(service, "/v1/quarantine", headers={KEY_HEADER: WRONG_KEY})
    assert await stack.post("intake", "/v1/directory", content=b"", headers={KEY_HEADER: WRONG_KEY}) == 401


async def poisoned(stack: Stack) -> None:
    """Let the database refuse rows: PostgreSQL repeats a refused row in its error."""
    await stack.as_superuser(
        "ALTER TABLE intake.quarantine ADD CONSTRAINT poison CHECK (reason = 'failed_alone') NOT VALID",
        f"ALTER TABLE complaints.complaint ADD CONSTRAINT poison CHECK (text NOT LIKE '%KinNoiDung{MARK}%') NOT VALID",
    )
    assert await stack.post("complaints", "/v1/complaints", json=FEEDBACK) == 503
    assert await stack.feed(dossier(7, NgayTiepNhan=f"KinTen{MARK}"), f"KinTen{MARK}") == 202
    await until(lambda: b"message_parked" in (stack.data / "logs" / "intake.log").read_bytes())


async def answered(stack: Stack) -> None:
    """Answer by a link, in words that fit and in some that do not; hear of receipts and a bounce."""
    notify = stack.at.http_urls["notify"]
    notices = (await stack.http.get(f"{notify}/v1/notices")).json()["notices"]
    [mail] = [one for one in notices if one["channel"] == "email" and one["role"] == "head"][:1]
    kept = json.loads((stack.data / "secrets.json").read_text())
    link = Link(mail["notice_id"], mail["unit"], machine_now() + timedelta(days=1))
    token = tokens.sign(link, key=kept["link_key"].encode())
    right = tokens_of_receipts.of_notice(kept["receipts_key"], mail["notice_id"])
    stack.codes |= {token, right}
    path = f"/v1/acknowledge/{token}"
    promise = {"answer": "promise", "until": "2026-11-12", "reason": REASON}
    assert await stack.post("notify", path, json=promise) == 200
    assert await stack.post("notify", path, json={**promise, "until": "2027-11-12"}) == 409
    assert await stack.post("notify", path, json={**promise, "until": REASON, REASON: REASON}) == 422
    assert await stack.post("notify", path, data={"answer": "not_ours", "not_ours_reason": f"{REASON}\0"}) == 422
    absent = {"answer": "absence", "since": "2026-11-11", "until": "2026-11-12", "deputy": REASON}
    assert await stack.post("notify", path, json=absent) == 409
    assert await stack.post("notify", f"{path}{MARK}", json=promise) == 404
    told = {"id": mail["notice_id"], "state": "2", "to": PERSONAL["SoDienThoai"], "text": REASON}
    assert await stack.post("notify", f"/v1/receipts/kannel/{right}", data=told) == 200
    assert await stack.post("notify", f"/v1/receipts/kannel/{WRONG_KEY}", data=told) == 403
    assert await stack.post("notify", f"/v1/receipts/kannel/{right}", content=json.dumps(REASON)[:-1]) == 422
    returned = f"X-Dondoc-Notice: {mail['notice_id']} {right}\nSubject: {REASON}"
    report = mails.postfix(mail["notice_id"], to=PERSONAL["Email"], returned=returned)
    assert await stack.post("notify", "/v1/bounces", content=report) == 200


async def until_well(stack: Stack) -> None:
    """Wait until a killed server is back and all services are ready again."""

    async def ready() -> bool:
        codes = []
        for service in stack.at.http_urls:
            with contextlib.suppress(httpx.TransportError):
                codes.append((await stack.http.get(f"{stack.at.http_urls[service]}/health/ready")).status_code)
        return (
            codes == [200] * 5
            and await stack.post("complaints", "/v1/complaints", json={"text": "x", "unit": "H56.12"}) == 201
        )

    await until(ready)


async def places(stack: Stack) -> dict[str, bytes]:
    """Return everything that operators, scrapers and other users of the machine may see, by where it stands."""
    found = {}
    told = running.read_down(stack.data)
    assert told
    for name, program in {**told.programs, "supervisor": running.Program(told.supervisor)}.items():
        found[f"command line of {name}"] = command_line(program.pid)
    for service, url in stack.at.http_urls.items():
        for path in ("/metrics", "/health/ready", "/asyncapi.json"):
            found[f"{service}{path}"] = (await stack.http.get(f"{url}{path}")).content
    found["quarantine"] = (await stack.http.get(f"{stack.at.http_urls['intake']}/v1/quarantine")).content
    for command in COMMANDS:
        found[command] = await asyncio.to_thread(dondoc, stack, *command.split())
    return found | {f"log of {log.stem}": log.read_bytes() for log in (stack.data / "logs").iterdir()}


def command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def dondoc(stack: Stack, *arguments: str) -> bytes:
    command = [sys.executable, "-m", "dondoc.cli", *arguments, "--data", str(stack.data)]
    done = subprocess.run(command, cwd=real.ROOT, env=real.clean_environment(), capture_output=True, check=False)
    return done.stdout + done.stderr


def strings(of: Any) -> Iterator[str]:
    """Yield every text in a JSON document."""
    if isinstance(of, dict):
        for value in of.values():
            yield from strings(value)
    elif isinstance(of, str):
        yield of


async def test_nothing_secret_or_personal_comes_out(tmp_path: Path) -> None:
    async with stack_of(tmp_path) as stack:
        await work_and_fail(stack)
        await stack.driver.play((), until=datetime.fromisoformat(LATE))
        await answered(stack)
        await stack.driver.play((), until=datetime.fromisoformat(NEXT_SLOT))
        await until(lambda: b"notice_waits" in (tmp_path / "logs" / "notify.log").read_bytes())
        found = await places(stack)
    assert b"escalation_acknowledged" in found["audit export"]
    assert all(found[f"log of {service}"].count(b"\n") > 5 for service in stack.at.http_urls)
    generated = set(strings(json.loads((tmp_path / "secrets.json").read_text())))
    assert len(generated) >= 8
    leaks = {
        (place, searched)
        for place, said in found.items()
        for searched in SEARCHED | generated | stack.codes
        if searched.lower().encode() in said.lower() or searched.encode().hex().encode() in said.lower()
    }
    assert not leaks
