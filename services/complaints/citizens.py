"""Puts the citizens' pages before the desk: what their forms do is done as over HTTP, and with attachments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID
from weakref import WeakKeyDictionary

from fastapi import APIRouter
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints import acting, reference, sender_api
from services.complaints.acting import Act, NotThereError
from services.complaints.asking import desk_of, running_of
from services.complaints.case import ActError
from services.complaints.filing import Filing
from services.complaints.publishing import api as publishing_api
from services.complaints.publishing.wording import Choices, PublishedPage
from services.complaints.secrecy import attachments, kinds
from services.complaints.secrecy.vault import Kept
from services.complaints.web import api
from services.complaints.web.asked import Pages
from services.complaints.web.desk import Filed, Followed, NotNowError
from services.complaints.web.published import SHOWN
from shared.cloudevents import Outgoing
from shared.service import Running

_pages: WeakKeyDictionary[Engine, Pages] = WeakKeyDictionary()


def routes() -> APIRouter:
    """Return the routes of the pages."""
    return api.routes(lambda request: _of(running_of(request)))


def _of(running: Running) -> Pages:
    """Return what stands behind the pages of a running service; one for each."""
    engine = running.engine.sync_engine
    if engine not in _pages:
        desk = desk_of(running)
        accepts = ",".join(f".{ending}" for ending in kinds.ENDINGS)
        _pages[engine] = Pages(_Desk(running), desk.office.vault, desk.gate, accepts)
    return _pages[engine]


class _Desk:
    """The desk as `web.desk.Desk` has it."""

    def __init__(self, running: Running) -> None:
        self._running = running

    async def file(self, filing: Filing, *, source: str, code: str, attachments: Sequence[Kept]) -> Filed:
        taking = desk_of(self._running).taking
        filed = await taking.file(filing, source=source, code=code, attachments=attachments)
        return Filed(filed.code, filed.secret)

    async def follow(self, code: str, secret: str) -> Followed | None:
        try:
            return Followed(**asdict(await sender_api.look(self._running, code, secret)))
        except NotThereError:
            return None

    async def supplement(self, code: str, secret: str, text: str, attachments: Sequence[Kept]) -> None:
        await self._act(code, secret, sender_api.supplemented(text), kept=attachments)

    async def rate(self, code: str, secret: str, rating: int) -> None:
        await self._act(code, secret, sender_api.rated(rating))

    async def reopen(self, code: str, secret: str, reason: str) -> None:
        await self._act(code, secret, sender_api.reopened(desk_of(self._running).office, reason))

    async def units(self) -> Sequence[str]:
        async with self._running.engine.connect() as connection:
            known = await reference.units(connection)
        return sorted(unit.name for unit in known.units.values() if unit.active)

    async def published(self, *, unit: str | None, field: str | None, before: UUID | None) -> PublishedPage | None:
        return await publishing_api.read(self._running, unit=unit, field=field, before=before, limit=SHOWN)

    async def choices(self) -> Choices:
        return await publishing_api.choices(self._running)

    async def _act(self, code: str, secret: str, act: Act, *, kept: Sequence[Kept] = ()) -> None:
        """raises: NotNowError; RefusedFile - with those that it has the files are too many."""
        running = self._running
        office, now = desk_of(running).office, running.clock.now()

        async def do(connection: AsyncConnection) -> list[Outgoing]:
            feedback, events = await acting.by_sender(connection, office, code, secret, act, now=now, headers={})
            await attachments.add(connection, office.vault, feedback.case.code, kept, at=now)
            return events

        try:
            await running.commit(do, cause="request")
        except (NotThereError, ActError):
            raise NotNowError from None
