"""Takes feedback in: what arrives while one transaction runs shares the next.

A filing is answered once it is committed. The text is looked at by the model before: what may be a denunciation never
enters the normal queue, not even for the time until an officer looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints import filing as shapes
from services.complaints import indexing, life, origins, reference, saying, sorting, store
from services.complaints.case import Case
from services.complaints.filing import Filing
from services.complaints.office import WORDS, Office
from services.complaints.officers import PORTAL, SENDER
from services.complaints.origins import Origin
from services.complaints.rules.units import Units
from services.complaints.secrecy import attachments, identities
from services.complaints.secrecy.identities import Identity
from services.complaints.secrecy.vault import Kept
from services.complaints.store import Feedback, Step
from services.complaints.suggesting.suggest import KIND_OF, Suggestion, suggest
from shared import db
from shared.cloudevents import Outgoing
from shared.events import ComplaintFiled, FeedbackKind
from shared.service import Running

TOGETHER = 200  # filings of one transaction


class Filed(NamedTuple):
    """secret: shown this once. feedback: as it was stored.

    Where `is_new` is false what came under its number was filed before, and there is neither.
    """

    code: str
    secret: str
    at: datetime
    feedback: Feedback | None
    is_new: bool = True


@dataclass(slots=True)
class _Waiting:
    code: str
    secret: str
    filing: Filing
    source: str
    attachments: Sequence[Kept]
    suggestion: Suggestion
    headers: dict[str, str]
    at: datetime | None
    origin: Origin | None
    done: asyncio.Future[Filed] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Taking:
    """The door for all feedback of one process."""

    def __init__(self, running: Running, office: Office) -> None:
        self.running, self._office = running, office
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def file(
        self,
        filing: Filing,
        *,
        source: str,
        code: str | None = None,
        attachments: Sequence[Kept] = (),
        headers: dict[str, str] | None = None,
        at: datetime | None = None,
        origin: Origin | None = None,
    ) -> Filed:
        """Store a feedback. code: under which its attachments were kept. at: when it was filed elsewhere; else now.

        origin: where it comes from under a number of its own, which is filed once.
        raises: what the database says. The attachments are removed, unless it may have them after all: then the sweep
        looks.
        """
        one = _Waiting(
            code or shapes.new_code(),
            shapes.new_secret(),
            filing,
            source,
            attachments,
            suggest(filing.text, self._office.model, why=False),
            headers or {},
            at,
            origin,
        )
        self._waiting.append(one)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._store_waiting())
        try:
            return await one.done
        except Exception as error:
            if not db.is_transient(error):
                await asyncio.to_thread(self._office.vault.remove, attachments)
            raise

    async def _store_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
            try:
                await self._store(batch)
            except Exception as error:
                if len(batch) == 1 or db.is_transient(error):  # the database's, or not sure: they may be stored
                    _tell(batch, error)
                else:
                    await self._one_by_one(batch)

    async def _one_by_one(self, batch: Sequence[_Waiting]) -> None:
        """Store each alone, so that one that cannot be stored takes no other with it."""
        for one in batch:
            try:
                await self._store([one])
            except Exception as error:
                _tell([one], error)

    async def _store(self, batch: Sequence[_Waiting]) -> None:
        now, filed = self.running.clock.now(), dict[str, Feedback]()
        known: dict[str, str] = {}

        async def add(connection: AsyncConnection) -> list[Outgoing]:
            known.update(await _known(connection, batch))
            new = [one for one in batch if one.code not in known]
            stored = await _add(connection, new, self._office, now=now) if new else []
            filed.update({of.case.code: of for of in stored})
            return [
                saying.said(ComplaintFiled, of, at=of.case.filed_at, headers=one.headers)
                for one, of in zip(new, stored, strict=True)
            ]

        await self.running.commit(add, cause="request")
        for one in batch:
            if not one.done.done():
                if before := known.get(one.code):
                    one.done.set_result(Filed(before, "", one.at or now, None, is_new=False))
                else:
                    one.done.set_result(Filed(one.code, one.secret, one.at or now, filed[one.code]))


def _tell(batch: Sequence[_Waiting], error: Exception) -> None:
    for one in batch:
        if not one.done.done():
            one.done.set_exception(error)


async def _known(connection: AsyncConnection, batch: Sequence[_Waiting]) -> dict[str, str]:
    """Return what was filed before: its code by the one that it would have had now."""
    numbered = [(one.origin, one.code) for one in batch if one.origin]
    found = await origins.claim(connection, numbered) if numbered else {}
    return {code: before for origin, code in numbered if (before := found.get(origin, code)) != code}


async def _add(
    connection: AsyncConnection, batch: Sequence[_Waiting], office: Office, *, now: datetime
) -> list[Feedback]:
    units = await reference.units(connection)
    asked = {one.code: key for one in batch if (key := shapes.dossier_key(one.filing))}
    where = await reference.dossiers(connection, asked.values())
    made = [_made(one, office, units, where.get(asked.get(one.code, "")), at=one.at or now) for one in batch]
    ids = await store.add(connection, [row for row, _ in made])
    filed = [replace(feedback, id=ids[feedback.case.code]) for _, feedback in made]
    await store.add_steps(connection, [_step(one, of) for one, of in zip(batch, filed, strict=True)])
    await identities.add_all(
        connection,
        office.envelope,
        {
            one.code: Identity(one.filing.name, one.filing.contact, one.filing.address)
            for one in batch
            if not one.filing.is_unsigned or one.filing.address
        },
    )
    await attachments.add_new(connection, office.vault, {one.code: one.attachments for one in batch}, at=now)
    await indexing.keep(connection, filed, office, units, new=True)
    return filed


def _made(
    one: _Waiting, office: Office, units: Units, dossier: reference.Dossier | None, *, at: datetime
) -> tuple[dict[str, Any], Feedback]:
    """Return the row of a new feedback, and the feedback with id 0."""
    filing, policy = one.filing, office.policy(at)
    kind = _kind(filing, one.suggestion)
    spoken: dict[str, str | None] = dict(
        zip(WORDS, (filing.text, shapes.unit_words(filing), filing.place, shapes.dossier_key(filing)), strict=True)
    )
    case = Case(
        code=one.code,
        filed_at=at,
        kind=kind,
        suspected=kind == "denunciation",
        field=one.suggestion.field_key,
        categories=tuple(guess.key for guess in one.suggestion.categories),
        handler=policy.screener,
        hides_identity=filing.hide_identity,
    )
    if case.restricted:
        going = sorting.of_suspected(office, spoken, units, dossier, at=at)
        case = replace(case, handler=going.unit, not_to=going.not_to)
    else:
        case = replace(case, about_unit=sorting.about_unit(spoken, units, dossier, at=at))
    case = life.enter(case, policy, screened_by=case.handler)
    shown = dict.fromkeys(WORDS) if case.sealed else spoken
    row: dict[str, Any] = {
        **store.case_values(case),
        **shown,
        "secret_hash": shapes.digest(one.secret),
        "source": one.source,
        "sealed": office.sealed(one.code, spoken) if case.sealed else None,
        "procedure": dossier.procedure if dossier and not case.sealed else None,
        "anonymous": filing.anonymous or filing.is_unsigned,
        "has_dossier": filing.dossier is not None,
        "answer_working_days": policy.term("reflection", "answer").value,
    }
    rest = {name: row[name] for name in row if name not in (*store.CASE_COLUMNS, *store.DERIVED)}
    return row, Feedback(case=case, id=0, revision=1, answer=None, sealed_answer=None, **rest)


def _kind(filing: Filing, suggestion: Suggestion) -> FeedbackKind:
    """Return what it is taken for until an officer decides; suspicion goes before what the sender says."""
    if "denunciation" in (filing.kind_hint, suggestion.kind.key):
        return "denunciation"
    return filing.kind_hint or KIND_OF[suggestion.kind.key]


def _step(one: _Waiting, feedback: Feedback) -> Step:
    actor = PORTAL if one.source == PORTAL else SENDER
    return Step(one.code, 1, feedback.case.filed_at, "filed", actor, feedback.case.handler, None)
