"""Helpers for tests of answers: an office whose mails carry links, and the hand that opens one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx
from sqlalchemy import text

from shared.events import Holding, UnitDescribed
from tests.component import harness
from tests.component.office import LAND, OVERSIGHT, Office, Open

PUBLIC = "https://dondoc.example.vn/notify"
KEY = "a key of the tests with more than thirty-two characters"
LINKS = {"public_url": PUBLIC, "link_keys": KEY}
HTML = {"Accept": "text/html,*/*"}
FRIDAY = "2026-11-27"
FORM = {"answer": "promise", "about": "all", "promise_until": FRIDAY, "promise_reason": "Đang chờ thẩm định"}


@dataclass
class Page(HTMLParser):
    """What a page says: tags with their attributes, and its text."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    said: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said += data

    def named(self, name: str) -> list[str | None]:
        """Return the values of the fields of a name."""
        return [attributes.get("value") for _, attributes in self.tags if attributes.get("name") == name]


def read(answer: httpx.Response) -> Page:
    page = Page()
    page.feed(answer.text)
    return page


@dataclass
class Desk:
    """An office, and a client that has no key but the links of its mails."""

    office: Office
    http: httpx.AsyncClient
    keyed: httpx.AsyncClient

    def link(self, mail: int = -1) -> str:
        """Return the path of the link in a mail."""
        body = self.office.box.taken[mail].get_body(("plain",))
        assert body
        token: str
        [token] = re.findall(re.escape(PUBLIC) + r"(/v1/acknowledge/\S+)", body.get_content())
        return token

    async def promise(self, path: str, until: str = FRIDAY, **more: Any) -> httpx.Response:
        return await self.send(path, answer="promise", until=until, reason="Đang chờ thẩm định", **more)

    async def send(self, path: str, **answer: Any) -> httpx.Response:
        return await self.http.post(path, json=answer)

    async def answers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.keyed.get("/v1/answers")).json()["answers"]
        return found

    async def states(self) -> list[tuple[str, str]]:
        """Return kind and state of what each answer covers, in the order they came."""
        return [(one["answer"], covered["state"]) for one in await self.answers() for covered in one["covers"]]

    async def cases(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.keyed.get("/v1/cases")).json()["cases"]
        return found

    async def close(self, case: int, outcome: str) -> httpx.Response:
        return await self.keyed.post(f"/v1/cases/{case}/close", json={"outcome": outcome})

    async def levels(self) -> list[int]:
        return [escalation["level"] for escalation in await self.office.escalations()]

    async def events(self) -> list[tuple[str, int, str | None, str | None]]:
        """Return what was said of escalations: event, level, what became of the promise, what is disputed."""
        return [
            (event["type"].split(".")[1], data["level"], data["promise"], data["disputed"])
            for event in await harness.said(self.office.client, "NOTIFY")
            if event["type"].startswith("notify.escalation") and (data := event["data"])
        ]

    async def rows(self, sql: str) -> list[Any]:
        async with self.office.notify.engine.connect() as connection:
            return list((await connection.execute(text(sql))).all())


@asynccontextmanager
async def desk(
    office: Open, *, units: tuple[UnitDescribed, ...] = (OVERSIGHT, LAND), **how: Any
) -> AsyncIterator[Desk]:
    async with (
        office(units=units, **{**LINKS, "answers_per_minute": 0, **how}) as opened,
        harness.caller(opened.notify) as keyed,
    ):
        transport = keyed._transport
        async with httpx.AsyncClient(transport=transport, base_url="http://notify") as client:
            yield Desk(opened, client, keyed)


def holding(post: str, person: str, **more: Any) -> Holding:
    given = {
        "post": post,
        "role": "head",
        "title": f"Chức danh {post}",
        "person": person,
        "email": f"{person}@example.vn",
    }
    return Holding.model_validate({**given, **more})


HEADED = LAND.model_copy(
    update={
        "posts": (
            holding("gd", "p1", title="Giám đốc"),
            holding("pgd1", "p2", role="deputy", title="Phó Giám đốc"),
            holding("cvp", "p3", role="officer", title="Chánh Văn phòng"),
        )
    }
)
