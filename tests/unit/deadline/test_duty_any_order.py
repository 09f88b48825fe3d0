"""Any permutation with any duplicates of what is said of a duty makes the same obligation.

As for dossiers: few instants, so that ties are many, and the real way from the JSON of a source to the fold; the
yardstick is a fold over every assertion, with no memory that keeps any back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from services.deadline import duty
from services.deadline.course import obligation_of
from services.intake import statements
from services.intake.duties import facts_of
from services.intake.facts import Receipt
from services.intake.memory import Memory
from shared.events import Fact, Obligation
from shared.worktime import vietnam
from tests.unit.deadline.saying import MIRROR

START = datetime.fromisoformat("2026-11-02T09:00:00+07:00")
TIMES = [START + timedelta(hours=12 * number) for number in range(12)]


@dataclass(frozen=True)
class Message:
    """One statement. at: when it was received. sent_at: its `time`."""

    data: dict[str, Any]
    at: datetime
    source: str
    sent_at: str | None

    def facts(self) -> list[Fact]:
        document = {"specversion": "1.0", "id": "1", "source": "/x", "type": statements.DUTY, "subject": "BC-Q4"}
        [stated] = statements.read(orjson.dumps({**document, "time": self.sent_at, "data": self.data})).objects
        return facts_of(stated, source=self.source, mirror=self.source == MIRROR, receipt=Receipt.of(self.at))


times = st.sampled_from(TIMES)
instants = times.map(datetime.isoformat)
standings = st.fixed_dictionaries(
    {"status": st.sampled_from(["open", "submitted", "returned", "accepted", "withdrawn"]), "status_at": instants}
)
details = st.fixed_dictionaries(
    {"kind": st.just("report")},
    optional={
        "unit": st.sampled_from(["H56.12", "UBND xã Mường Lát", ""]),
        "field": st.sampled_from(["Hộ tịch", "Đất đai"]),
        "given_at": st.sampled_from([TIMES[0].isoformat(), TIMES[3].isoformat()]),
        "due_on": st.sampled_from(["2026-11-05", "2026-11-06", "2026-11-10"]),
    },
)
messages = st.builds(
    Message,
    data=st.builds(lambda detail, standing: detail | standing, details, st.one_of(st.just({}), standings)),
    at=st.builds(lambda at, minutes: at + timedelta(minutes=minutes), times, st.integers(0, 9)),
    source=st.sampled_from(["so-noi-vu", "so-noi-vu", "thanh-tra", MIRROR]),
    sent_at=st.one_of(st.none(), instants),
)
histories = st.lists(messages, min_size=1, max_size=8)


def through_memory(deliveries: Iterable[Message]) -> list[Fact]:
    """Return the facts that intake says, its memory stored and read back between messages."""
    said: list[Fact] = []
    stored = Memory(raw_code="BC-Q4").document()
    for message in deliveries:
        memory = Memory.of(orjson.loads(orjson.dumps(stored)))
        said += [new for fact in message.facts() for new in memory.hear(fact)]
        stored = memory.document()
    return said


def obligation(facts: list[Fact], *, until: str | None) -> Obligation | None:
    course = duty.fold("report", "BC-Q4", facts, until=until) if facts else None
    return obligation_of(course, calendar=vietnam(), near=timedelta(hours=24)) if course else None


@given(history=histories, data=st.data())
@settings(max_examples=200)
def test_any_order_with_any_duplicates_makes_the_same_obligation(history: list[Message], data: st.DataObject) -> None:
    later = data.draw(st.lists(st.tuples(st.sampled_from(history), st.integers(0, 9000)), max_size=6))
    repeats = [replace(one, at=one.at + timedelta(minutes=minutes)) for one, minutes in later]
    said = through_memory(data.draw(st.permutations([*history, *repeats])))
    shuffled = data.draw(
        st.permutations(said + data.draw(st.lists(st.sampled_from(said), max_size=4) if said else st.just([])))
    )
    everything = [fact for message in history for fact in message.facts()]
    for until in (None, data.draw(instants)):
        assert obligation(shuffled, until=until) == obligation(everything, until=until)
