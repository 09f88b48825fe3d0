"""One life told in the portal's format and in ours makes equal obligations, field by field, at every moment of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dondoc.simulate import life
from dondoc.simulate.life import Dossier, Happening
from dondoc.simulate.national import progress, snapshot
from dondoc.simulate.procedures import DESKS
from dondoc.simulate.province import UNITS
from shared.worktime import next_opening, vietnam
from tests.unit.deadline import saying
from tests.unit.deadline.saying import Message, own

START = datetime.fromisoformat("2026-11-02T07:40:00+07:00")
SENT, HEARD = timedelta(minutes=3), timedelta(minutes=4)  # after what they tell of
ENDS = {life.REFUSED: "refused", life.WITHDRAWN: "withdrawn", life.STOPPED: "stopped", life.DONE: "completed"}
CHANNEL = {True: "online", False: "counter"}


def iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def of_portal(dossier: Dossier, happening: Happening) -> list[Message]:
    sent, heard = (happening.at + SENT).isoformat(), (happening.at + HEARD).isoformat()
    told = []
    if happening.snapshot:
        told.append(Message("DongBoHoSoMC", snapshot(dossier, happening.state), heard, sent_at=sent))
    if happening.work:
        told.append(Message("CapNhatTienDoHoSoMC", progress(dossier, happening), heard, sent_at=sent))
    return told


class InOurs:
    """Tells a life as it goes on, each happening as a system would that speaks our format alone."""

    def __init__(self, dossier: Dossier) -> None:
        self.dossier = dossier
        self.before = life.State(life.FILED)
        self.steps, self.pauses = 0, 0
        self.last_step: dict[str, Any] | None = None
        self.paused_since: str | None = None

    def tell(self, happening: Happening) -> list[Message]:
        told = list(self._told(happening))
        self.before = happening.state
        return told

    def _told(self, happening: Happening) -> Iterator[Message]:
        now, was, at = happening.state, self.before, happening.at
        heard, sent = (at + HEARD).isoformat(), (at + SENT).isoformat()

        def say(type: str, **data: Any) -> Message:
            return own(type, heard, sent_at=sent, **data)

        dossier = self.dossier
        about = {
            "procedure": dossier.procedure.code, "field": dossier.procedure.field.name, "unit": dossier.handled_by,
            "channel": CHANNEL[dossier.online],
        }  # fmt: skip
        if now.status == life.FILED:
            yield say("filed", filed_at=iso(at), **about)
        if now.accepted_at and not was.accepted_at:
            yield say("accepted", accepted_at=iso(now.accepted_at), due_at=iso(now.due_at), **about)
        paid = dossier.online and dossier.applicant % 3 != 0
        portal = {"portal": "national"} if dossier.online else {}
        yield say("digital", digitised=dossier.digitised, paid_online=paid, **portal)
        for number, one in enumerate(now.supplements, start=1):
            if one not in was.supplements:
                yield say(
                    "supplement", number=number, requested_at=iso(one.asked_at), received_at=iso(one.received_at),
                    due_before=iso(one.due_before), due_after=iso(one.due_after),
                )  # fmt: skip
        yield from self._work(happening, say)
        if now.due_at and was.due_at and now.due_at != was.due_at and now.supplements == was.supplements:
            yield say("due_date", due_at=iso(now.due_at), because="correction")
        if now.status in ENDS and now.status != was.status:
            yield say("ended", ended_at=iso(now.refused_at or now.ended_at), end=ENDS[now.status])
        if now.returned_at:
            yield say("returned", returned_at=iso(now.returned_at))

    def _work(self, happening: Happening, say: Callable[..., Message]) -> Iterator[Message]:
        now, at = happening.state, iso(happening.at)
        if now.status == life.MUST_PAY:
            self.pauses, self.paused_since = self.pauses + 1, at
            yield say("pause", number=self.pauses, kind="financial_obligation", since=at)
        elif self.paused_since:
            yield say("pause", number=self.pauses, kind="financial_obligation", since=self.paused_since, until=at)
            self.paused_since = None
        if happening.work:
            if self.last_step:
                yield say("step", **self.last_step, until=at)
                self.last_step = None
            if now.status == life.RUNNING:
                self.steps += 1
                self.last_step = {
                    "number": self.steps, "unit": happening.room, "since": at, "due_at": iso(happening.term),
                }  # fmt: skip
                yield say("step", **self.last_step)


@st.composite
def lives(draw: st.DrawFn) -> tuple[Dossier, list[Happening]]:
    dice = Random(draw(st.integers(0, 10_000)))
    unit = draw(st.sampled_from(UNITS[:20]))
    procedure = draw(st.sampled_from(sorted(DESKS[unit.desk], key=lambda one: one.code)))
    online = draw(st.booleans())
    calendar = vietnam()
    arrives_at = next_opening(calendar, at=START + timedelta(hours=draw(st.integers(0, 200))))
    dossier = Dossier(
        id=saying.CODE, unit=unit, procedure=procedure, applicant=draw(st.integers(1, 99)), business=False,
        online=online, digitised=draw(st.booleans()), arrives_at=arrives_at, handled_by=unit.written[0],
    )  # fmt: skip
    return dossier, list(life.live(dossier, dice=dice, calendar=calendar))


@given(told=lives(), data=st.data())
@settings(max_examples=150)
def test_the_same_life_in_either_tongue_makes_equal_obligations(
    told: tuple[Dossier, list[Happening]], data: st.DataObject
) -> None:
    dossier, happenings = told
    portal: list[Message] = []
    ours: list[Message] = []
    teller = InOurs(dossier)
    for happening in happenings:
        portal += of_portal(dossier, happening)
        ours += teller.tell(happening)
        seed = data.draw(st.integers(0, 99))
        expected = saying.obligations(saying.through_memory(portal))
        assert saying.obligations(saying.shuffled(saying.through_memory(ours), seed=seed)) == expected
