"""A province in which notify presses: what deadline would say of its matters, and who was told what at which slot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import yaml

from services.notify.policies.file import CARRIED
from shared import bus
from shared.chain import Examination, Head
from shared.clock import PROVINCE_ZONE
from shared.cloudevents import Outgoing, outgoing
from shared.events import (
    CensusTaken,
    DeadlinePassed,
    DeadlineSet,
    Holding,
    ObligationChanged,
    ObligationEnded,
    SourceHeard,
    SourceState,
    UnitDescribed,
)
from tests.component.answering import Desk, desk, holding
from tests.component.office import Open, obligation, unit

GRAVE = "An toàn"  # a field whose first level is told at once
OFFICE = "H56.12.01"
LADDER = {
    "near": {"tell": "head", "before": {"working_days": 1}},
    "levels": [
        {"level": 1, "tell": "head"},
        {"level": 2, "after": {"working_days": 2}, "tell": "superior"},
        {"level": 3, "after": {"working_days": 5}, "tell": "oversight"},
    ],
    "repeat": {"every_working_days": 5, "at_most": 9},
    "stop": {"after_working_days": 16},
}
AT_ONCE = {"where": {"field": [GRAVE]}, "levels": [{"level": 1, "tell": "head", "at_once": True}]}


def policy(folder: Path) -> Path:
    """Write the carried policy with the ladder of this province."""
    given = yaml.safe_load(CARRIED.read_text("utf-8"))
    given["ladders"]["dossier"] = [AT_ONCE, LADDER]
    file = folder / "policy.yaml"
    file.write_text(yaml.safe_dump(given, allow_unicode=True), "utf-8")
    return file


def local(instant: str | datetime) -> datetime:
    """Return an instant given as `2026-11-20 16:00` or as the API gives it, in the province's time."""
    if isinstance(instant, datetime):
        return instant.astimezone(PROVINCE_ZONE)
    given = datetime.fromisoformat(instant)
    return given.astimezone(PROVINCE_ZONE) if given.tzinfo else given.replace(tzinfo=PROVINCE_ZONE)


def matter(code: str, **state: Any) -> dict[str, Any]:
    """Return the state of a dossier that OFFICE must end, as deadline says it. code: also what notices call it."""
    given = {"obligation_id": f"dossier/{code}", "subject_id": code, "timing": "on_time", "revision": 0}
    return obligation(**{**given, "unit": OFFICE, "unit_code": OFFICE, **state})


def led(code: str, *posts: Holding, **more: Any) -> UnitDescribed:
    return unit(code, posts=posts or (holding("gd", code.rpartition(".")[2].lower()),), **more)


OWN_HEAD = holding("gd", "p1", title="Chi cục trưởng")
DEPUTY = holding("pct", "p2", title="Phó Chi cục trưởng", role="deputy")
LAND = led(OFFICE, OWN_HEAD, DEPUTY, parent_code="H56.12", name="Chi cục Quản lý đất đai")
PROVINCE = (
    unit("H56", name="Tỉnh mẫu", parent_code=None, email="chairman@example.vn"),
    unit("TH-SNV", name="Sở Nội vụ", email="oversight@example.vn"),
    unit("H56.12", name="Sở Nông nghiệp và Môi trường", email="superior@example.vn"),
    LAND,
)


@dataclass
class Year:
    """The province at work.

    matters: the newest state of each, by code. told: the mails of the year so far, a line each, without the pages of
    the weeks. pages: when these came. seen: how many lines were looked at.
    """

    desk: Desk
    matters: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    seen: int = 0
    read: int = 0
    revisions: dict[str, int] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return local(self.desk.office.notify.clock.now())

    async def due(self, code: str, at: str, **state: Any) -> None:
        """Let a dossier be known that is due at an instant to come; `walk` says when that passes."""
        now, due_at = self.now.isoformat(), local(at).isoformat()
        given = {"accepted_at": now, "heard_at": now, "due_at": due_at, "first_due_at": due_at, **state}
        self.matters[code] = matter(code, **given)
        await self.say(DeadlineSet, code)

    async def end(self, *codes: str) -> None:
        for code in codes:
            await self.say(
                ObligationEnded, code, state="ended", timing="late", ended_at=self.now.isoformat(), end="completed"
            )

    async def say(self, event: type[ObligationChanged], code: str, **changes: Any) -> None:
        """Say a change of a dossier, now."""
        state = self.matters[code]
        state |= {**changes, "revision": state["revision"] + 1}
        id = f"{code}:{state['revision']}"
        said = outgoing(event, id=id, about=state["obligation_id"], time=self.now, data=state)
        await self.publish(said)

    async def describe(self, described: UnitDescribed, **changes: Any) -> None:
        """Say a unit anew as the directory has it from now on."""
        self.revisions[described.code] = self.revisions.get(described.code, 1) + 1
        data = described.model_copy(update={**changes, "revision": self.revisions[described.code]})
        id = f"{data.code}:{data.revision}"
        await self.publish(outgoing(UnitDescribed, id=id, about=data.code, time=self.now, data=data))

    async def source(self, event: type[SourceState], revision: int) -> None:
        more = {"at": self.now, "because": "heard"} if event is SourceHeard else {}
        data = {"source": "motcua-1", "revision": revision, "since": self.now, "usual_gap_s": 3600, **more}
        await self.publish(outgoing(event, id=f"motcua-1:{revision}", about="motcua-1", time=self.now, data=data))

    async def publish(self, *said: Outgoing) -> None:
        """Let notify hear something and do at once what follows."""
        await bus.publish(self.desk.office.client, said)
        await self.desk.office.settle()
        await self.desk.office.notify.sweep_up_to(self.now)
        if not (await self.desk.office.notify.status())["idle"]:
            await self.desk.office.settle()
        await self.write_down()

    async def timer(self) -> datetime:
        """Return when notify has something to do next."""
        notify = self.desk.office.notify
        async with notify.engine.connect() as connection:
            at = await notify.service.next_timer(connection)  # type: ignore[misc]
        assert at, "the next weekly page is always foreseen"
        return local(at)

    async def walk(self, to: str) -> list[str]:
        """Let time pass, from one timer to the next; returns what was told since the last walk, a line a mail.

        On the way deadline says what passed its due time, and takes the census of the last day of each month.
        """
        until = local(to)
        while self.now < until:
            coming = [until, _last_morning(self.now), await self.timer()]
            passing = [code for code in self.matters if self._passes(code)]
            coming += [local(self.matters[code]["due_at"]) + timedelta(seconds=1) for code in passing]
            await self.step(min(at for at in coming if at > self.now))
        self.seen, begin = len(self.told), self.seen
        return self.told[begin:]

    async def step(self, at: datetime) -> None:
        """Move to an instant."""
        for code in [code for code in self.matters if self._passes(code, by=at)]:
            await self.say(DeadlinePassed, code, timing="overdue")
        census = at == _last_morning(self.now)
        if census:
            await self.publish(self.census(at))
        await self.desk.office.move_to(at.isoformat())
        await self.write_down()
        if census:
            await self.agrees()

    def _passes(self, code: str, *, by: datetime | None = None) -> bool:
        state = self.matters[code]
        waits = state["state"] == "open" and state["timing"] != "overdue"
        return waits and (by is None or local(state["due_at"]) < by)

    def overdue(self, at: datetime) -> list[dict[str, Any]]:
        """Return the matters that are truly late."""
        return [one for one in self.matters.values() if one["state"] == "open" and local(one["due_at"]) < at]

    def census(self, at: datetime) -> Outgoing:
        late = tuple(sorted((one["obligation_id"], one["revision"]) for one in self.overdue(at)))
        said = CensusTaken(slot=at, taken_at=at, part=1, parts=1, counts={}, overdue=late)
        return outgoing(CensusTaken, id=f"census/{at}", about="census", time=at, data=said)

    async def agrees(self) -> None:
        """Compare the last census with the ledger, and examine the audit from its first row."""
        told = (await self.desk.keyed.get("/v1/ledger")).json()
        assert (local(told["census"]["taken_at"]), told["differences"]) == (self.now, {}), told
        assert told["census"]["overdue"] == len(self.overdue(self.now))
        assert sum(told["standing"].values()) == 0, told["standing"]
        rows = (await self.desk.keyed.get("/v1/audit", params={"limit": 10_000})).text.splitlines()
        head = (await self.desk.keyed.get("/v1/audit/head")).json()
        examined = Examination()
        examined.take([orjson.loads(row) for row in rows])
        assert examined.end(Head(head["seq"], bytes.fromhex(head["hash"]))) is None

    async def write_down(self) -> None:
        """Write down each mail that arrived since, as `23.11 07:30 p1: A new 1, B settled 1 (passed settled)`."""
        mails = self.desk.office.box.taken[self.read :]
        self.read += len(mails)
        if not mails:
            return
        rows = await self.desk.rows("SELECT id, kind, slot, why FROM notify.notice")
        items = await self.desk.rows("SELECT notice_id, obligation_id, news, level FROM notify.notice_item ORDER BY 2")
        notices = {row.id: row for row in rows}
        lines = []
        for mail in mails:
            notice = notices[str(mail["Message-ID"])[1:].partition("@")[0]]
            when, to = f"{self.now:%d.%m %H:%M}", str(mail["To"]).partition("@")[0]
            assert local(notice.slot) == self.now, f"{notice} arrived at {self.now}"
            if notice.kind == "weekly":
                self.pages.append(f"{when} {to}")
                continue
            said = [(i.obligation_id[8:], i.news, i.level) for i in items if i.notice_id == notice.id]
            hastily = "at once " if notice.kind == "at_once" else ""
            what = ", ".join(f"{code} {news} {level}" for code, news, level in said)
            lines.append(f"{when} {to}: {hastily}{what} ({' '.join(notice.why)})")
            body = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
            assert all(body.count(f"- {code} ·") == 1 for code, _, _ in said), "each matter once"
        self.told += sorted(lines)

    async def link(self, to: str) -> str:
        """Return the path of the link in the last mail to somebody."""
        mails = self.desk.office.box.taken
        return self.desk.link(max(n for n, mail in enumerate(mails) if str(mail["To"]).startswith(f"{to}@")))


def _last_morning(after: datetime) -> datetime:
    """Return the next last day of a month, 06:00."""
    first = date(after.year, after.month, 1)
    for _ in range(3):
        first = (first + timedelta(days=32)).replace(day=1)
        found = datetime.combine(first - timedelta(days=1), datetime.min.time(), PROVINCE_ZONE) + timedelta(hours=6)
        if found > after:
            return found
    raise AssertionError("unreachable")


@asynccontextmanager
async def year(office: Open, folder: Path, *, begin: str = "2026-11-20 08:00") -> AsyncIterator[Year]:
    async with desk(office, units=PROVINCE, policy=policy(folder)) as at_work:
        found = Year(at_work)
        await at_work.office.move_to(local(begin).isoformat())
        yield found
