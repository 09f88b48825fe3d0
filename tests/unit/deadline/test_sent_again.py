"""A dossier that is sent again each night makes the obligations that every assertion would make, and intake is silent.

Lives are few states, each told on many nights by a source and by a mirror, among steps, pauses and the rest of our own
format; received in any order and doubled. The yardstick is a fold over every assertion.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.deadline.folding import fold
from services.deadline.reference import carried
from services.intake.memory import Memory
from tests.unit.deadline import saying
from tests.unit.deadline.saying import MIRROR, Events, Message, snapshot
from tests.unit.deadline.test_corrections_any_order import ours
from tests.unit.deadline.test_fold_any_order import STATUSES, TIMES, steps

NIGHTS = 9  # so that none is forgotten: a fact and KEPT repeats

numbers = st.integers(0, len(TIMES) - 1)
dates = numbers.map(lambda number: TIMES[number].strftime("%Y%m%d%H%M%S"))
maybe = st.one_of(st.just(""), dates)
due = st.sampled_from(["20261105090000", "20261106170000", "20261110090000"])
states = st.fixed_dictionaries(
    {
        "NgayTiepNhan": st.sampled_from(["20261102090000", "20261102090000", "20261103090000"]),
        "NgayHenTra": due,
        "TrangThaiHoSo": st.sampled_from([*STATUSES, "2", "4", "4", "5", "9"]),
    },
    optional={
        "DonViXuLy": st.sampled_from(["UBND xã Mường Lát", "H56.13"]),
        "NgayNopHoSo": st.just("20261102080000"),
        "NgayKetThucXuLy": dates,
        "DanhSachHoSoBoSung": st.lists(
            st.fixed_dictionaries(
                {"NgayBoSung": dates, "NgayTiepNhanBoSung": maybe, "NgayHenTraTruoc": due, "NgayHenTraMoi": due}
            ),
            min_size=1,
            max_size=2,
        ),
    },
)


@st.composite
def nights(draw: st.DrawFn) -> list[Message]:
    """Draw snapshots of a few states; most are received in the night that sent them."""
    known = draw(st.lists(states, min_size=1, max_size=3))
    told = []
    for _ in range(draw(st.integers(2, NIGHTS))):
        sent = TIMES[draw(numbers)]
        late = timedelta(hours=12 * draw(st.sampled_from([0, 0, 0, 0, 1, 5])), minutes=draw(st.integers(0, 3)))
        source = draw(st.sampled_from(["motcua-1", "motcua-1", "motcua-1", MIRROR, "motcua-2"]))
        sent_at = draw(st.sampled_from([sent.isoformat()] * 4 + [None]))
        told.append(snapshot((sent + late).isoformat(), source=source, sent_at=sent_at, **draw(st.sampled_from(known))))
    return told


def night(number: int, *, status: str, due: str) -> Message:
    at = (TIMES[0] + timedelta(days=number)).isoformat()
    about = {"MaTTHC": "1.004746", "TenLinhVuc": "Hộ tịch", "DonViXuLy": "UBND xã Mường Lát", "KenhThucHien": "1"}
    life = {"NgayTiepNhan": "20261102090000", "NgayHenTra": due, "TrangThaiHoSo": status, "SoBienNhan": "0001"}
    return snapshot(at, sent_at=at, **about, **life)


def test_a_dossier_that_is_sent_again_for_a_year_says_nothing_and_its_row_stays_small() -> None:
    """Five facts, two of which change in the second night; of each what came first and a few repeats are remembered."""
    first, second = night(0, status="2", due="20261109090000"), night(1, status="4", due="20261116090000")
    year = [first, second, *(night(number, status="4", due="20261116090000") for number in range(2, 366))]
    memory, said, biggest = Memory(raw_code=saying.CODE), [], 0
    for message in year:
        said.append([fact["slot"] for asserted in saying.facts(message)[1] for fact in memory.hear(asserted)])
        stored = orjson.dumps(memory.document())
        biggest = max(biggest, len(stored))
        memory = Memory.of(orjson.loads(stored))
    assert said[:2] == [["about", "accepted", "standing", "due", "slip"], ["standing", "due"]]
    assert said[2:] == [[]] * 364
    assert biggest < 20_000
    assert made(saying.through_memory(year)) == made(saying.everything(year))


lives = st.tuples(nights(), st.lists(st.one_of(ours(), ours(), steps), max_size=4)).map(lambda both: both[0] + both[1])


def heard_by(events: Events, moment: str) -> Events:
    """Return what had been heard by then, as a census is compared with it."""
    heard = [{**event, "facts": [fact for fact in event["facts"] if fact["heard"] <= moment]} for event in events]
    return [event for event in heard if event["facts"]]


def made(events: Events, *, until: str | None = None) -> list[Any]:
    """Return all that deadline makes of the events, but which facts there are."""
    folded = fold(f"dossier/{saying.CODE}", events, known=carried(), terms=saying.TERMS, until=until) if events else []
    return [(one.obligation, replace(one.course, corrections=None)) for one in folded]


@given(life=lives, data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_kept_back_changes_nothing_in_any_order(life: list[Message], data: st.DataObject) -> None:
    later = data.draw(st.lists(st.tuples(st.sampled_from(life), st.integers(0, 9000)), max_size=4))
    doubled = [replace(one, at=(datetime.fromisoformat(one.at) + timedelta(minutes=m)).isoformat()) for one, m in later]
    deliveries = sorted([*life, *doubled], key=lambda one: one.at)
    if data.draw(st.sampled_from([True, False, False])):
        deliveries = data.draw(st.permutations(deliveries))
    moment = TIMES[data.draw(numbers)].isoformat()
    for told in (deliveries[: data.draw(st.integers(1, len(deliveries)))], deliveries):
        said = saying.shuffled(saying.through_memory(told), seed=data.draw(st.integers(0, 99)))
        everything = saying.everything(told)
        for until in (None, moment):
            assert made(said, until=until) == made(everything, until=until)
        assert made(heard_by(said, moment), until=moment) == made(heard_by(everything, moment), until=moment)
