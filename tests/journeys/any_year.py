"""A province in which anything may happen, and what must hold of notify whatever does.

On a real database: what deadline says is handed to notify's handlers, and time passes from one of its timers to the
next.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import text

from services.notify import handlers
from services.notify.answering import taking
from services.notify.answering.shapes import ANSWER
from services.notify.answering.tokens import Link
from services.notify.ledger import hearing
from services.notify.pressing.rules import Rules
from services.notify.telling.notices import WAKES
from shared.bus import Received
from shared.clock import DrivenClock
from shared.cloudevents import Outgoing, outgoing
from shared.events import CensusTaken, Holding, ObligationChanged, SourceHeard, SourceSilent, UnitDescribed
from shared.service import Heard, Running
from shared.worktime import is_working_day, vietnam, working_days_from
from tests.component.answering import holding
from tests.component.office import unit
from tests.journeys.pressed import GRAVE, local, matter

CODES = ("A", "B", "C")
UNITS = ("H56.12.01", "H56.12.02")
CALENDAR = vietnam()
DAYS_OF_LEVELS = (2, 5)  # working days after the due time, of the levels above the first
ENDLESS = datetime.fromisoformat("2100-01-01T00:00:00+07:00")


@dataclass
class World:
    """What is true, beside what notify makes of it.

    heads: who is to be told in each unit. raised: the level at which each matter was seen last. answered: matters of
    which somebody said something. begun: how often each became late, or another unit's.
    """

    running: Running
    rules: Rules
    dice: random.Random
    matters: dict[str, dict[str, Any]] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    raised: dict[str, int] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    begun: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
    silent: bool = False
    said: int = 0

    @property
    def now(self) -> datetime:
        return local(self.running.clock.now())

    # what happens

    async def due(self, code: str) -> None:
        """A dossier is heard of, the last in a field of which is told at once."""
        due_at = (self.now + timedelta(hours=self.dice.randint(1, 60))).isoformat()
        state = {"accepted_at": self.now.isoformat(), "heard_at": self.now.isoformat(), "due_at": due_at}
        unit, field = self.dice.choice(UNITS), GRAVE if code == CODES[-1] else "Đất đai"
        self.matters[code] = matter(code, **state, unit=unit, unit_code=unit, field=field)
        await self.say(code)

    async def pause(self, code: str) -> None:
        if self._state(code) == "open":
            self.matters[code]["paused"] = self.now
            await self.say(code, state="paused")

    async def resume(self, code: str) -> None:
        if self._state(code) == "paused":
            one = self.matters[code]
            longer = timedelta() if one["timing"] == "overdue" else self.now - one["paused"]
            await self.say(code, state="open", due_at=(local(one["due_at"]) + longer).isoformat())

    async def end(self, code: str) -> None:
        if self._state(code) in ("open", "paused"):
            await self.say(code, state="ended", ended_at=self.now.isoformat(), end="completed")

    async def reopen(self, code: str) -> None:
        if self._state(code) == "ended":
            await self.say(code, state="open", ended_at=None, end=None)

    async def move(self, code: str) -> None:
        """An apology, or a correction, moves the due time."""
        if self._state(code) == "open":
            due_at = local(self.matters[code]["due_at"]) + timedelta(hours=self.dice.choice((-24, 2, 24, 240)))
            await self.say(code, due_at=due_at.isoformat())

    async def hand_over(self, code: str) -> None:
        if self._state(code) == "open":
            other = UNITS[UNITS.index(self.matters[code]["unit"]) - 1]
            await self.say(code, unit=other, unit_code=other)

    async def head(self, _: str) -> None:
        """Another head, one who is away with or without a deputy, or none."""
        code = self.dice.choice(UNITS)
        person = f"p{self.dice.randint(1, 99)}"
        head, deputy = holding("gd", person), holding("pgd", f"{person}d", role="deputy")
        away = holding("gd", person, kind="absent")
        how = self.dice.choice(
            ((head,), (head, away, deputy), (head, away), (Holding(post="gd", role="head", title="x"),))
        )
        to = {1: person, 3: f"{person}d", 2: "superior"}[len(how)] if how[0].person else "superior"
        await self.describe(code, to, how)

    async def describe(self, code: str, to: str, posts: tuple[Holding, ...]) -> None:
        self.revisions[code] = self.revisions.get(code, 0) + 1
        self.heads[code] = f"{to}@example.vn"
        given = unit(code, parent_code="H56.12", posts=posts, email=None, revision=self.revisions[code])
        await self.hear_units(given)

    async def hear_units(self, *units: UnitDescribed) -> None:
        said = [self._event(UnitDescribed, one) for one in units]
        await self.hear(handlers.follow_reference, *said)

    async def silence(self, _: str) -> None:
        """The source falls silent, or is heard again."""
        self.silent = not self.silent
        self.revisions["source"] = self.revisions.get("source", 0) + 1
        data = {"source": "motcua-1", "revision": self.revisions["source"], "since": self.now, "usual_gap_s": 3600}
        event: Any = SourceSilent if self.silent else SourceHeard
        more = {} if self.silent else {"at": self.now, "because": "heard"}
        await self.hear(handlers.follow_reference, self._event(event, event.model_validate(data | more)))

    async def answer(self, _: str) -> None:
        """Somebody opens the link of a mail and answers for all that is open of it."""
        rows = await self.rows(
            "SELECT id, post FROM notify.notice WHERE kind <> 'weekly' ORDER BY slot DESC, id LIMIT 4"
        )
        if not rows:
            return
        row = self.dice.choice(rows)
        until = (self.now + timedelta(days=self.dice.randint(0, 6))).date().isoformat()
        promise = {"answer": "promise", "until": until, "reason": "x"}
        given = self.dice.choice((promise, promise, {"answer": "settled"}, {"answer": "not_ours"}))
        link = Link(row.id, row.post, ENDLESS)
        result = await taking.take(self.running, link, ANSWER.validate_python(given), rules=self.rules)
        self.answered |= {id.removeprefix("dossier/") for id in result.covered}

    def _state(self, code: str) -> str:
        return str(self.matters[code]["state"]) if code in self.matters else ""

    async def say(self, code: str, **changes: Any) -> None:
        one = self.matters[code]
        self.begun[code] += "unit" in changes or not self.late(code)
        one |= changes
        if one["state"] == "open":
            one["timing"] = "overdue" if local(one["due_at"]) < self.now else "on_time"
        one["revision"] += 1
        data = ObligationChanged.model_validate(one)
        if not self.late(code):
            self.raised.pop(code, None)
            self.answered.discard(code)
        await self.hear(hearing.follow_deadline, self._event(ObligationChanged, data))

    def _event(self, event: Any, data: Any) -> Outgoing:
        self.said += 1
        return outgoing(event, id=str(self.said), about="x", time=self.now, data=data)

    async def hear(self, handle: Callable[..., Any], *said: Outgoing) -> None:
        """Hand events to notify, and let it do what is due at once."""
        messages = [Received(one.subject, one.body, {}, "", "DEADLINE", self.said, 1, self.now) for one in said]
        heard = Heard(messages, self.now, driven=True)
        await self.running.commit(lambda connection: handle(connection, heard, rules=self.rules), cause="test")
        await self.sweep()

    # how time passes

    async def wait(self, hours: int) -> None:
        until = self.now + timedelta(hours=hours)
        while self.now < until:
            passing = {code: local(one["due_at"]) + timedelta(seconds=1) for code, one in self.matters.items()}
            waits = [at for code, at in passing.items() if self.matters[code]["timing"] == "on_time"]
            waits = [at for at in waits if at > self.now]
            cast(DrivenClock, self.running.clock).move_to(min([until, await self.timer(), *waits]))
            for code, at in passing.items():
                if at <= self.now and self._state(code) == "open" and self.matters[code]["timing"] == "on_time":
                    await self.say(code)
            await self.sweep()

    async def timer(self) -> datetime:
        async with self.running.engine.connect() as connection:
            at = await self.running.service.next_timer(connection)  # type: ignore[misc]
        assert at is None or local(at) > self.now, "a sweep leaves nothing that is due"
        return local(at) if at else ENDLESS

    async def sweep(self) -> None:
        await self.running.sweep_up_to(self.now)
        await self.check_told()
        quiet = self.rules.awake(at=self.now) > self.now
        async with self.running.engine.begin() as connection:
            held = f"AND NOT {WAKES}" if quiet else ""
            await connection.execute(text(f"UPDATE notify.notice SET status = 'sent' WHERE status = 'stored' {held}"))

    async def rows(self, sql: str) -> list[Any]:
        async with self.running.engine.connect() as connection:
            return list((await connection.execute(text(sql))).all())

    # what must hold

    def late(self, code: str) -> bool:
        one = self.matters[code]
        return bool(one["timing"] == "overdue" and one["state"] != "ended")

    async def check_told(self) -> None:
        """Look at each notice when it is made: its hour, its matters, its recipient."""
        for notice in await self.rows("SELECT id, kind, slot, recipient, status FROM notify.notice ORDER BY id"):
            if notice.id in self.seen or notice.kind == "weekly":
                continue
            self.seen.add(notice.id)
            slot = local(notice.slot)
            assert slot == self.now, "made when its slot is reached"
            assert works(slot)
            assert 7 <= slot.hour < 20
            assert notice.kind == "at_once" or f"{slot:%H:%M}" in ("07:30", "14:00")
            items = await self.rows(
                f"SELECT obligation_id, role, level, news FROM notify.notice_item WHERE notice_id = '{notice.id}'"
            )
            for item in items:
                self.check_item(item, notice)

    def check_item(self, item: Any, notice: Any) -> None:
        code = item.obligation_id.removeprefix("dossier/")
        one = self.matters[code]
        if item.news == "settled":
            assert not self.late(code) or item.level < 1, f"{code} is late and said to be settled"
            return
        assert one["state"] == "open", f"{code} is told of as {item.news} and is {one['state']}"
        if item.level >= 1:
            assert self.late(code), f"{code} is pressed for and not late"
            assert item.role != "head" or notice.recipient == self.heads[one["unit"]]

    async def check_all(self) -> None:
        """Compare with a census of what is true, and each ladder with the working days that have passed."""
        late = {code for code in self.matters if self.late(code)}
        overdue = tuple(
            sorted((f"dossier/{code}", self.matters[code]["revision"]) for code in late if self._state(code) == "open")
        )
        census = CensusTaken(slot=self.now, taken_at=self.now, part=1, parts=1, counts={}, overdue=overdue)
        await self.hear(hearing.follow_deadline, self._event(CensusTaken, census))
        assert await self.rows("SELECT kind, obligation_id FROM notify.ledger_difference") == []
        waiting = await self.rows(
            f"SELECT * FROM notify.line WHERE news IS NOT NULL AND slot_at <= '{self.now.isoformat()}'"
        )
        assert waiting == []
        for id, level in await self.rows("SELECT id, raised FROM notify.obligation"):
            code = id.removeprefix("dossier/")
            if code not in late:
                assert level < 1, f"{code} is not late and stands at level {level}"
                continue
            assert level >= self.raised.get(code, -1), f"{code} went down to level {level}"
            self.raised[code] = level
            if self._state(code) == "open" and code not in self.answered:
                assert level >= reached(self.matters[code], self.now), f"{code} is only at level {level}"

    async def check_end(self) -> None:
        """Look back: who was told of a matter heard of its end, and nobody heard twice that it is new."""
        told: dict[tuple[str, str], list[str]] = {}
        for id, post, news in await self.rows(
            "SELECT obligation_id, post, news FROM notify.notice_item i JOIN notify.notice n ON n.id = notice_id "
            "WHERE level >= 1 AND kind <> 'weekly' AND status <> 'withheld' ORDER BY slot, n.id"
        ):
            told.setdefault((id.removeprefix("dossier/"), post), []).append(news)
        for (code, post), news in told.items():
            assert news.count("new") <= self.begun[code], f"{post} hears too often that {code} is new: {news}"
            assert news[0] == "new"
            if not self.late(code):
                assert news[-1] == "settled", f"{post} never heard that {code} is settled: {news}"


def works(at: datetime) -> bool:
    return is_working_day(CALENDAR, on=at.date())


def reached(one: dict[str, Any], at: datetime) -> int:
    """Return the level that the policy calls for."""
    if one["field"] == GRAVE:
        return 1
    due_at = local(one["due_at"])
    return 1 + sum(working_days_from(CALENDAR, due=due_at, days=days) <= at for days in DAYS_OF_LEVELS)
