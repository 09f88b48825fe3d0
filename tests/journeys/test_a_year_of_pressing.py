"""A year in which notify presses, on real servers and a moving clock: who got what, at which slot."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from services.notify.sending import delivery
from shared.events import (
    DeadlineMoved,
    DeadlinePaused,
    DeadlineResumed,
    ObligationChanged,
    ObligationReopened,
    SourceHeard,
    SourceSilent,
)
from tests.component.answering import holding
from tests.component.office import Open
from tests.component.office import migrated as migrated
from tests.component.office import office as office
from tests.journeys.pressed import GRAVE, LAND, Year, led, local, year


async def weekends_a_holiday_and_a_unit_nobody_knows(here: Year) -> None:
    await here.due("A", "2026-11-20 16:00")  # a Friday; the 24th is a day off
    await here.due("Z", "2026-11-20 17:00", unit=None, unit_code=None, unit_name="Phòng Lạ")  # stays all year
    assert await here.walk("2026-12-02 10:00") == [
        "23.11 07:30 oversight: Z new 1 (passed unit_unknown)",
        "23.11 07:30 p1: A new 1 (passed)",
        "26.11 07:30 oversight: Z new 2 (level unit_unknown)",
        "26.11 07:30 superior: A new 2 (level)",
        "01.12 07:30 oversight: A new 3, Z new 3 (level unit_unknown)",
    ]
    await here.end("A")
    assert await here.walk("2026-12-04 08:00") == [
        "02.12 14:00 oversight: A settled 3 (settled)",
        "02.12 14:00 p1: A settled 1 (settled)",
        "02.12 14:00 superior: A settled 2 (settled)",
    ]


async def a_promise_kept_and_a_promise_missed(here: Year) -> None:
    await here.due("B", "2026-12-04 15:00")
    await here.due("C", "2026-12-04 15:00")
    assert await here.walk("2026-12-07 09:00") == ["07.12 07:30 p1: B new 1, C new 1 (passed)"]
    answer = await here.desk.promise(await here.link("p1"), until="2026-12-10")
    assert answer.json()["covered"] == ["dossier/B", "dossier/C"]
    assert await here.walk("2026-12-10 09:00") == ["08.12 07:30 oversight: Z repeated 3 (unit_unknown repeated)"]
    await here.end("B")
    assert await here.walk("2026-12-16 08:00") == [
        "10.12 14:00 p1: B settled 1 (settled)",
        "11.12 07:30 p1: C changed 1 (moved promise_missed)",
        "11.12 07:30 superior: C new 2 (level promise_missed)",
        "14.12 07:30 oversight: C new 3 (level promise_missed)",
        "15.12 07:30 oversight: Z repeated 3 (unit_unknown repeated)",
    ]
    assert await here.desk.states() == [("promise", "kept"), ("promise", "missed")]
    await here.end("C")


async def quiet_hours_hold_what_goes_at_once(here: Year) -> None:
    await here.due("D", "2026-12-16 21:00", field=GRAVE)
    await here.due("E", "2026-12-17 10:00", field=GRAVE)
    assert await here.walk("2026-12-17 18:30") == [
        "16.12 14:00 oversight: C settled 3 (settled)",
        "16.12 14:00 p1: C settled 1 (settled)",
        "16.12 14:00 superior: C settled 2 (settled)",
        "17.12 07:00 p1: at once D new 1 (passed)",
        "17.12 10:00 p1: at once E new 1 (passed)",
    ]
    await here.end("E")
    assert await here.walk("2026-12-19 09:00") == ["17.12 18:30 p1: at once E settled 1 (settled)"]
    await here.end("D")  # on a Saturday
    assert await here.walk("2026-12-21 08:00") == ["21.12 07:00 p1: at once D settled 1 (settled)"]


async def who_stands_in_for_a_head(here: Year) -> None:
    away = {"valid_from": date(2026, 12, 22), "valid_until": date(2026, 12, 28), "kind": "absent"}
    await here.describe(LAND, posts=(*LAND.posts, holding("gd", "p1", **away)))
    await here.walk("2026-12-22 08:00")
    await here.due("F", "2026-12-22 11:00")
    assert await here.walk("2026-12-30 09:00") == [
        "22.12 14:00 p2: F new 1 (passed stand_in)",
        "24.12 14:00 superior: F new 2 (level)",
        "29.12 14:00 oversight: F new 3 (level)",
    ]
    await here.end("F")
    assert (await here.walk("2027-01-04 08:00"))[1:] == [
        "30.12 14:00 p1: F settled 1 (settled)",
        "30.12 14:00 superior: F settled 2 (settled)",
    ]
    await here.due("G", "2027-01-04 11:00")
    assert await here.walk("2027-01-04 15:00") == ["04.01 14:00 p1: G new 1 (passed)"]
    told = await here.desk.send(
        await here.link("p1"), answer="absence", since="2027-01-05", until="2027-01-08", deputy="pct"
    )
    assert told.status_code == 200, told.text
    await here.desk.office.settle()
    await here.write_down()
    assert await here.walk("2027-01-05 08:00") == ["04.01 15:00 p1:  (absence)"]
    await here.due("H", "2027-01-05 11:00")
    assert await here.walk("2027-01-11 08:00") == [
        "05.01 14:00 p2: H new 1 (passed stand_in)",
        "06.01 14:00 superior: G new 2 (level)",
        "07.01 14:00 superior: H new 2 (level)",
    ]
    await here.end("G", "H")
    assert await here.walk("2027-02-03 08:00") == [
        "11.01 14:00 p1: G settled 1, H settled 1 (settled)",
        "11.01 14:00 superior: G settled 2, H settled 2 (settled)",
    ]


async def nobody_is_told_anything_at_tet(here: Year) -> None:
    await here.due("I", "2027-02-03 16:00")  # the 4th to the 10th are days off
    await here.due("K", "2027-02-05 10:00", field=GRAVE)
    assert await here.walk("2027-02-16 08:00") == [
        "11.02 07:00 p1: at once K new 1 (passed)",
        "11.02 07:30 p1: I new 1 (passed)",
        "15.02 07:30 superior: I new 2 (level)",
    ]
    await here.end("I", "K")
    assert await here.walk("2027-03-01 08:00") == [
        "16.02 08:00 p1: at once K settled 1 (settled)",
        "16.02 14:00 p1: I settled 1 (settled)",
        "16.02 14:00 superior: I settled 2 (settled)",
    ]


async def moved(here: Year, code: str, to: str) -> None:
    await here.say(DeadlineMoved, code, due_at=local(to).isoformat(), timing="on_time", apologies=1)


async def those_warned_hear_that_the_due_time_was_moved(here: Year) -> None:
    await here.due("L", "2027-03-02 16:00")
    await here.due("M", "2027-03-01 11:00")
    assert await here.walk("2027-03-02 10:00") == ["01.03 14:00 p1: M new 1 (passed)", "02.03 07:30 p1: L new 0 (near)"]
    await moved(here, "L", "2027-03-10 16:00")
    assert await here.walk("2027-03-04 09:00") == [
        "02.03 14:00 p1: L settled 0 (settled)",
        "03.03 14:00 superior: M new 2 (level)",
    ]
    await moved(here, "M", "2027-03-12 16:00")
    assert await here.walk("2027-03-10 10:00") == [
        "04.03 14:00 p1: M settled 1 (settled)",
        "04.03 14:00 superior: M settled 2 (settled)",
        "10.03 07:30 p1: L new 0 (near)",
    ]
    await here.end("L")  # in time: nobody hears of it
    assert await here.walk("2027-03-15 09:00") == ["12.03 07:30 p1: M new 0 (near)", "15.03 07:30 p1: M new 1 (passed)"]
    await here.end("M")
    assert await here.walk("2027-04-05 08:00") == ["15.03 14:00 p1: M settled 1 (settled)"]


async def a_pause_and_reopenings(here: Year) -> None:
    await here.due("P", "2027-04-05 11:00")
    assert await here.walk("2027-04-06 09:00") == ["05.04 14:00 p1: P new 1 (passed)"]
    await here.say(DeadlinePaused, "P", state="paused")
    assert await here.walk("2027-04-19 09:00") == []
    await here.say(DeadlineResumed, "P", state="open")
    again = ["oversight: P new 3 (level)", "superior: P new 2 (level)"]
    assert await here.walk("2027-04-20 08:00") == [f"19.04 14:00 {one}" for one in again]
    ended = ["oversight: P settled 3 (settled)", "p1: P settled 1 (settled)", "superior: P settled 2 (settled)"]
    await here.end("P")
    assert await here.walk("2027-04-22 08:00") == [f"20.04 14:00 {one}" for one in ended]
    await here.say(ObligationReopened, "P", state="open", timing="overdue", ended_at=None, end=None)
    await here.due("Q", "2027-04-22 11:00")
    assert await here.walk("2027-04-23 09:00") == [
        "22.04 14:00 oversight: P new 3 (level)",
        "22.04 14:00 p1: P new 1, Q new 1 (passed)",
        "22.04 14:00 superior: P new 2 (level)",
    ]
    await here.end("P", "Q")
    await here.walk("2027-04-23 10:00")
    await here.say(ObligationReopened, "Q", state="open", timing="overdue", ended_at=None, end=None)
    assert await here.walk("2027-04-23 15:00") == [
        "23.04 14:00 oversight: P settled 3 (settled)",
        "23.04 14:00 p1: P settled 1, Q changed 1 (moved settled)",
        "23.04 14:00 superior: P settled 2 (settled)",
    ]
    await here.end("Q")
    assert await here.walk("2027-05-10 08:00") == ["26.04 07:30 p1: Q settled 1 (settled)"]


async def a_merger_in_mid_ladder(here: Year) -> None:
    await here.due("R", "2027-05-10 11:00")
    assert await here.walk("2027-05-11 09:00") == ["10.05 14:00 p1: R new 1 (passed)"]
    heir = led("H56.12.02", holding("gd", "p9"), parent_code="H56.12", name="Chi cục Tài nguyên")
    await here.describe(heir, valid_from=date(2027, 5, 12))
    await here.describe(LAND, valid_until=date(2027, 5, 11), successors=(heir.code,))
    await here.walk("2027-05-12 08:00")
    await here.say(ObligationChanged, "R", unit_code=heir.code)  # as deadline says of all that is open
    await here.due("S", "2027-05-12 15:00", unit_code=heir.code)
    assert await here.walk("2027-05-14 08:00") == [
        "12.05 14:00 p9: R new 1 (passed)",
        "12.05 14:00 superior: R new 2 (level)",
        "13.05 07:30 p9: S new 1 (passed)",
    ]
    await here.end("R", "S")
    assert await here.walk("2027-06-01 08:00") == [
        "14.05 14:00 p9: R settled 1, S settled 1 (settled)",
        "14.05 14:00 superior: R settled 2 (settled)",
    ]


async def first_news_of_a_silent_source_waits(here: Year) -> None:
    await here.due("T", "2027-06-01 11:00")
    assert await here.walk("2027-06-02 08:00") == ["01.06 14:00 p9: T new 1 (passed)"]
    await here.source(SourceSilent, 1)
    await here.due("U", "2027-06-02 11:00")
    assert await here.walk("2027-06-04 15:00") == ["03.06 14:00 superior: T new 2 (level)"]
    await here.source(SourceHeard, 2)
    assert await here.walk("2027-06-07 10:00") == [
        "07.06 07:30 p9: U new 1 (passed)",
        "07.06 07:30 superior: U new 2 (level)",
    ]
    await here.end("T", "U")
    assert await here.walk("2027-06-28 10:00") == [
        "07.06 14:00 p9: T settled 1, U settled 1 (settled)",
        "07.06 14:00 superior: T settled 2, U settled 2 (settled)",
    ]
    await here.source(SourceSilent, 3)
    await here.due("V", "2027-06-28 11:00")
    await here.walk("2027-07-01 09:00")  # over a census
    await here.end("V")
    await here.source(SourceHeard, 4)
    assert await here.walk("2027-09-01 08:00") == []


async def repeats_until_the_ladder_rests(here: Year) -> None:
    await here.due("X", "2027-09-01 11:00")  # the 2nd and 3rd are days off
    assert await here.walk("2027-11-15 08:00") == [
        "01.09 14:00 p9: X new 1 (passed)",
        "07.09 14:00 superior: X new 2 (level)",
        "10.09 14:00 oversight: X new 3 (level)",
        "17.09 14:00 oversight: X repeated 3 (repeated)",
        "24.09 14:00 oversight: X repeated 3 (repeated)",
    ]
    await here.end("X")
    assert await here.walk("2027-11-22 09:00") == [
        "15.11 14:00 oversight: X settled 3 (settled)",
        "15.11 14:00 p9: X settled 1 (settled)",
        "15.11 14:00 superior: X settled 2 (settled)",
    ]


PUT_OFF = {"08.02": "11.02", "03.05": "04.05"}  # Tết, and the day off for a Saturday's 1 May


async def test_a_year_of_pressing(office: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "LOOK_S", 0.02)
    async with year(office, tmp_path) as here:
        await weekends_a_holiday_and_a_unit_nobody_knows(here)
        await a_promise_kept_and_a_promise_missed(here)
        await quiet_hours_hold_what_goes_at_once(here)
        await who_stands_in_for_a_head(here)
        await nobody_is_told_anything_at_tet(here)
        await those_warned_hear_that_the_due_time_was_moved(here)
        await a_pause_and_reopenings(here)
        await a_merger_in_mid_ladder(here)
        await first_news_of_a_silent_source_waits(here)
        await repeats_until_the_ladder_rests(here)
        mondays = [date(2026, 11, 23) + timedelta(weeks=week) for week in range(53)]
        days = [f"{monday:%d.%m}" for monday in mondays]
        assert here.pages == [f"{PUT_OFF.get(day, day)} 08:00 chairman" for day in days]
