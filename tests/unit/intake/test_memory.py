"""What intake says of what it hears: no fact a snapshot, and yet nothing that matters is kept back."""

from __future__ import annotations

import orjson

from services.intake.memory import Memory
from shared.events import Fact


def due(value: str, as_of: int, *, heard: int | None = None, source: str = "motcua-1") -> Fact:
    return {
        "id": f"{source}/{value}/{as_of}",
        "slot": "due",
        "value": value,
        "at": f"{as_of:02d}",
        "as_of": f"{as_of:02d}",
        "heard": f"{as_of if heard is None else heard:02d}",
        "rank": 2,
        "source": source,
    }


def hear(*facts: Fact) -> list[list[str]]:
    """Return the ids said at each hearing; the memory is stored and read back between them."""
    memory, said = Memory(raw_code="X"), []
    for fact in facts:
        said.append([new["id"] for new in memory.hear(fact)])
        memory = Memory.of(orjson.loads(orjson.dumps(memory.document())))
    return said


def ids(*facts: Fact) -> list[str]:
    return [fact["id"] for fact in facts]


def test_one_value_is_said_once() -> None:
    assert hear(due("D1", 1), due("D1", 2), due("D1", 3)) == [ids(due("D1", 1)), [], []]


def test_the_second_value_brings_out_all_that_was_kept_back() -> None:
    said = hear(due("D1", 1), due("D1", 3), due("D2", 2))
    assert said == [ids(due("D1", 1)), [], ids(due("D1", 3), due("D2", 2))]


def test_after_a_second_value_every_assertion_is_said() -> None:
    assert hear(due("D1", 1), due("D2", 2), due("D1", 3))[2] == ids(due("D1", 3))


def test_an_older_assertion_of_the_same_value_is_said() -> None:
    assert hear(due("D1", 2), due("D1", 1))[1] == ids(due("D1", 1))


def test_one_that_was_heard_earlier_is_said_though_it_is_newer() -> None:
    assert hear(due("D1", 2, heard=5), due("D1", 3, heard=4))[1] == ids(due("D1", 3))


def test_a_repeat_is_silent_and_changes_nothing() -> None:
    memory = Memory(raw_code="X")
    memory.hear(due("D1", 1))
    memory = Memory.of(memory.document())
    assert (memory.hear(due("D1", 1, heard=9)), memory.changed) == ([], False)


def test_a_fact_said_before_is_said_again_when_it_was_heard_earlier() -> None:
    assert hear(due("D1", 1, heard=5), due("D1", 1, heard=4))[1] == ids(due("D1", 1))


def test_a_second_source_that_says_the_same_is_worth_saying() -> None:
    assert hear(due("D1", 1), due("D1", 2, source="motcua-2"))[1] == ids(due("D1", 2, source="motcua-2"))
