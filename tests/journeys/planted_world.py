"""A whole stack at log level debug with mail going out, who works at it, and the doors by which feedback comes in."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from dondoc.demo.mailbox import mailbox
from dondoc.drive import driving
from dondoc.simulate.province import demo_directory
from dondoc.stack import nats
from services.complaints.importing.portal import STATES
from services.complaints.web import tokens
from tests import servers as real
from tests.journeys.test_nothing_leaks import SECRETS, START, Stack
from tests.unit.complaints import given_files as files
from tests.unit.complaints.pages import codes, multipart

KEPT = "Mậtngôn"  # nowhere at all
HIDDEN = "Giấumặt"  # what a sender wrote who asks not to be known: for the eyes of those who deal with it, else nowhere
CONTROL = "Kiểmchứng"  # written in the open: found where it should be
ACCUSED, OTHER, INSPECTION = "14845", "16531", "TH-SNV"
ALL_ROLES = ("sorter", "handler", "inspector", "confidant", "identity_reader", "auditor")


@dataclass
class World:
    """A stack, its mails, and who asks. seen: answers to the operator, a sorter and the accused, by who and what."""

    stack: Stack
    mails: Path
    keys: dict[str, dict[str, str]]
    seen: dict[str, bytes]

    @property
    def complaints(self) -> str:
        return self.stack.at.http_urls["complaints"]

    async def file(self, **filing: Any) -> tuple[str, str]:
        answer = await self.stack.http.post(f"{self.complaints}/v1/complaints", json=filing)
        assert answer.status_code == 201, answer.text
        return answer.json()["code"], answer.json()["secret"]

    async def act(self, by: str, code: str, act: str, **body: Any) -> None:
        url = f"{self.complaints}/v1/complaints/{code}/{act}"
        answer = await self.stack.http.post(url, json=body, headers=self.keys.get(by, {}))
        assert answer.status_code == 200, (act, answer.text)

    async def ask(self, who: str, service: str, path: str) -> httpx.Response:
        key = self.keys.get(who, {})
        answer = await self.stack.http.get(f"{self.stack.at.http_urls[service]}{path}", headers=key)
        self.seen[f"{who}: {service}{path}"] = answer.content + str(answer.headers).encode()
        return answer


@contextlib.asynccontextmanager
async def world_of(folder: Path) -> AsyncIterator[World]:
    data, mails = folder / "data", folder / "mails"
    data.mkdir()
    mails.mkdir()
    async with contextlib.AsyncExitStack() as parts:
        box = await parts.enter_async_context(mailbox(mails))
        env = {
            **SECRETS,
            "DONDOC_LOG_LEVEL": "debug",
            "DONDOC_CLOCK": "driven",
            "DONDOC_NOTIFY_SEND": "live",
            "DONDOC_NOTIFY_SMTP_PORT": str(box.port),
            "DONDOC_NOTIFY_PUBLIC_URL": "http://127.0.0.1:1",
            "DONDOC_COMPLAINTS_FILINGS_PER_MINUTE": "0",
        }
        at = await asyncio.to_thread(parts.enter_context, real.running_stack(data, env=env))
        key = {"X-API-Key": SECRETS["DONDOC_API_KEY"]}
        http = await parts.enter_async_context(httpx.AsyncClient(headers=key, timeout=60))
        client = await parts.enter_async_context(nats.client(at))
        driver = await parts.enter_async_context(driving(client, start=datetime.fromisoformat(START)))
        world = World(Stack(data, at, driver, http), mails, {}, {})
        assert await world.stack.post("intake", "/v1/directory", content=demo_directory(20)) == 200
        for id, unit, roles in (
            ("inspector", INSPECTION, ("inspector", "identity_reader")), ("sorter", INSPECTION, ("sorter",)),
            ("head", ACCUSED, ALL_ROLES), ("clerk", ACCUSED, ("handler",)), ("other", OTHER, ("handler", "confidant")),
        ):  # fmt: skip
            url = f"{world.complaints}/v1/officers/{id}"
            made = await http.put(url, json={"unit": unit, "roles": list(roles)})
            world.keys[id] = {"X-API-Key": made.json()["key"]}
        yield world


def wrote(word: str, **more: Any) -> dict[str, Any]:
    """Return a filing with a word wherever a sender can write one."""
    return {
        "text": f"Hồ sơ đất của tôi chậm trả kết quả, {word}.", "name": f"Trần Thị {word}", "address": f"thôn {word}",
        "contact": f"{word}@example.vn", "place": f"chợ {word}", **more,
    }  # fmt: skip


async def by_page(world: World, filing: dict[str, str]) -> tuple[str, str]:
    """File with an attachment as a browser does; return number and secret."""
    form = await world.stack.http.get(f"{world.complaints}/gui")
    [mark] = re.findall(r'name="form" value="([^"]+)"', form.text)
    await asyncio.sleep(tokens.YOUNGEST_S + 0.2)
    content = files.JPEG + f"{KEPT} trong tệp".encode()
    sent = multipart({"form": mark, **filing}, [(f"đơn của {KEPT}.jpg", content)])
    filed = codes(await world.stack.http.post(f"{world.complaints}/gui", **sent))
    followed = {"code": filed["code"], "secret": filed["secret"]}
    assert (await world.stack.http.post(f"{world.complaints}/theo-doi", data=followed)).status_code == 200
    for odd in ({"text": ""}, {"kind": KEPT}, {"form": KEPT}):
        await world.stack.http.post(f"{world.complaints}/gui", **multipart({"form": mark, **filing, **odd}))
    await world.stack.http.post(f"{world.complaints}/theo-doi", data={"code": KEPT, "secret": KEPT})
    path = f"{world.complaints}/v1/complaints/{filed['code']}/attachments"
    [shown] = (await world.stack.http.get(path, headers=world.keys["inspector"])).json()["attachments"]
    read = await world.stack.http.get(f"{path}/{shown['id']}", headers=world.keys["inspector"])
    assert (shown["name"], read.content) == (f"đơn của {KEPT}.jpg", content)
    return filed["code"], filed["secret"]


async def from_elsewhere(world: World, accusing: dict[str, str]) -> list[str]:
    """File by a table of the hotline and by the portal; return the numbers."""
    line = {"ref": f"phiếu {KEPT}", **accusing}
    table = f"{','.join(line)}\n" + ",".join(f'"{cell}"' for cell in line.values())
    odd = f"{','.join(line)}\n" + ",".join(f'"{cell}\a"' for cell in line.values())
    url, key = f"{world.complaints}/v1/complaints", world.keys["sorter"]
    filed = (await world.stack.http.post(f"{url}/table", content=table.encode(), headers=key)).json()["filed"]
    for body in (odd, f"{KEPT}\n{KEPT}", KEPT):
        await world.stack.http.post(f"{url}/table", content=body.encode(), headers=key)
    at = "2026-11-01T09:00:00+07:00"
    record = {"ref": f"P-{KEPT}", "state": STATES[0].name, "filed_at": at, "updated_at": at}
    record |= {name: accusing[name] for name in ("text", "unit", "place")}
    told = (await world.stack.http.post(f"{url}/portal", json=[record, {**record, KEPT: KEPT}], headers=key)).json()
    return [filed[0]["code"], told["records"][0]["code"]]
