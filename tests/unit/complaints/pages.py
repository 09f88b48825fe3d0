"""The citizens' pages over a desk and a vault in memory."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from html import unescape
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from services.complaints.filing import Filing, new_secret
from services.complaints.publishing.wording import Choices, PublishedAnswer, PublishedPage
from services.complaints.secrecy.refusing import RefusedFile
from services.complaints.secrecy.vault import Kept, Limits
from services.complaints.web import api, guard
from services.complaints.web.asked import Pages
from services.complaints.web.desk import Filed, Followed, NotNowError
from services.complaints.web.gate import Gate
from services.complaints.web.guard import Guard
from services.complaints.web.tokens import issue
from shared import http
from shared.clock import machine_now
from shared.settings import Settings

KEY = b"key of the test"
FILED_AT = datetime.fromisoformat("2026-11-20T09:05:00+07:00")
TEXT = "Bộ phận một cửa hẹn trả kết quả ba lần mà chưa trả."
GOOD = {"text": TEXT, "unit": "Phường Hạc Thành"}


@dataclass
class Vault:
    """Keeps in memory; refuses what is named .exe or too large."""

    limits: Limits = field(default_factory=lambda: Limits(files=5, file_bytes=10 << 20, total_bytes=20 << 20))
    kept: dict[str, bytes] = field(default_factory=dict)

    async def keep(self, chunks: AsyncIterator[bytes], *, name: str, code: str, there: Sequence[Kept] = ()) -> Kept:
        content = bytearray()
        async for chunk in chunks:
            content += chunk
            self.limits.check([one.size for one in there], coming=len(content))
            if name.endswith(".exe"):
                raise RefusedFile("unknown")
        id = hashlib.sha256(content).hexdigest()[:32]
        self.kept[id] = bytes(content)
        return Kept(id, name, "image/jpeg", len(content), code.encode())

    def remove(self, kept: Iterable[Kept]) -> None:
        for one in kept:
            self.kept.pop(one.id, None)


@dataclass
class Desk:
    """Holds each feedback with what its sender may see of it."""

    filings: list[Filing] = field(default_factory=list)
    attachments: list[Kept] = field(default_factory=list)
    seen: dict[tuple[str, str], Followed] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    names: Sequence[str] = ("Phường Hạc Thành", "Sở Nội vụ")
    answers: list[PublishedAnswer] = field(default_factory=list)
    next: str | None = None
    asked: list[tuple[str | None, str | None, UUID | None]] = field(default_factory=list)
    fails: Exception | None = None

    async def file(self, filing: Filing, *, source: str, code: str, attachments: Sequence[Kept]) -> Filed:
        assert source == "web"
        if self.fails:
            raise self.fails
        self.filings.append(filing)
        self.attachments += attachments
        filed = Filed(code, new_secret())
        self.seen[code, filed.secret] = Followed(code, "received", FILED_AT, expected_on=date(2026, 12, 11))
        return filed

    async def follow(self, code: str, secret: str) -> Followed | None:
        return self.seen.get((code, secret))

    async def supplement(self, code: str, secret: str, text: str, attachments: Sequence[Kept]) -> None:
        self._change(code, secret, state="accepted", asked=None)
        self.words.append(text)
        self.attachments += attachments

    async def rate(self, code: str, secret: str, rating: int) -> None:
        self._change(code, secret, rating=rating)

    async def reopen(self, code: str, secret: str, reason: str) -> None:
        self._change(code, secret, state="accepted", answer=None, may_reopen=False, may_rate=False)
        self.words.append(reason)

    async def units(self) -> Sequence[str]:
        return self.names

    async def published(self, *, unit: str | None, field: str | None, before: UUID | None) -> PublishedPage | None:
        self.asked.append((unit, field, before))
        return None if before and str(before) != self.next else PublishedPage(tuple(self.answers), self.next)

    async def choices(self) -> Choices:
        names = {one.unit: one.unit_name for one in self.answers if one.unit and one.unit_name}
        return Choices(names, {"land": "Đất đai", "health": "Y tế"})

    def _change(self, code: str, secret: str, **more: Any) -> None:
        if self.fails:
            raise NotNowError
        self.seen[code, secret] = replace(self.seen[code, secret], **more)


@dataclass
class Site:
    """The pages with their desk and vault, and a browser without scripts."""

    desk: Desk
    vault: Vault
    pages: Pages
    app: FastAPI
    browser: httpx.AsyncClient

    def mark(self, *, age_s: float = 60, id: bytes | None = None) -> str:
        """Return the mark of a form whose page was made a while ago."""
        return issue(key=KEY, id=id or os.urandom(12), now_s=machine_now().timestamp() - age_s)

    async def send(
        self, *, files: Sequence[tuple[str, bytes]] = (), mark: str | None = None, **more: str
    ) -> httpx.Response:
        """Send the form that files a feedback."""
        sent = {"form": mark or self.mark(), **GOOD, **more}
        return await self.browser.post("/gui", **multipart(sent, files))


def multipart(fields: dict[str, str], files: Sequence[tuple[str, bytes]] = ()) -> dict[str, Any]:
    """Return a form as browsers send it: a file field without a choice is there too, empty."""
    parts = [(name, (None, value.encode())) for name, value in fields.items()]
    chosen = [("attachments", (name, content, "image/jpeg")) for name, content in files]
    return {"files": parts + (chosen or [("attachments", ("", b"", "application/octet-stream"))])}


def site(*, free: int = 0, most: int = 0, bits: int = 8, looks: int = 0, address: str = "10.0.0.9") -> Site:
    """Return a site under these limits, seen from one address."""
    desk, vault = Desk(), Vault()
    pages = Pages(desk, vault, Gate(Guard(guard.Limits(free, most, bits, looks), KEY)), accepts=".jpg,.pdf")
    app = http.application(name="complaints", settings=Settings(), ready=dict, asyncapi={})
    app.include_router(api.routes(lambda _: pages))
    transport = httpx.ASGITransport(app=app, client=(address, 4000))
    return Site(desk, vault, pages, app, httpx.AsyncClient(transport=transport, base_url="http://pages"))


def codes(page: httpx.Response) -> dict[str, str]:
    """Return code and secret of the page that shows them."""
    found = dict(re.findall(r'<code id="(code|secret)">([^<]+)</code>', page.text))
    assert len(found) == 2, page.text
    return found


def problems(page: httpx.Response) -> list[str]:
    """Return the sentences of the summary of what is wrong."""
    whole = re.search(r'<div class="problems".*?</div>', page.text, re.DOTALL)
    if not whole:
        return []
    return [unescape(re.sub("<[^>]+>", "", one)) for one in re.findall(r"<li>(.*?)</li>", whole.group(), re.DOTALL)]
