"""What intake says of what it hears: no fact a snapshot, and yet nothing that matters is kept back."""

from __future__ import annotations

import orjson
import pytest

from services.intake.memory import KEPT, STRIDE, Memory
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


def test_after_a_second_value_a_return_to_the_first_is_said_and_a_repeat_is_not() -> None:
    said = hear(due("D1", 1), due("D2", 2), due("D1", 3), due("D1", 4), due("D2", 5), due("D2", 6))
    assert said == [ids(due("D1", 1)), ids(due("D2", 2)), ids(due("D1", 3)), [], ids(due("D2", 5)), []]


def test_of_what_was_kept_back_a_contradiction_brings_out_the_return_alone() -> None:
    nights = [due("D1", night) for night in (1, 3, 5, 7)]
    assert hear(*nights, due("D2", 4))[-1] == ids(due("D1", 5), due("D2", 4))


def test_what_has_the_time_of_another_value_is_said_whatever_came_before() -> None:
    assert hear(due("D1", 1), due("D1", 3), due("D2", 3, heard=4))[2] == ids(due("D1", 3), due("D2", 3))


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


def standing(as_of: int, *, status: int = 2) -> Fact:
    fact = due("", as_of)
    return {**fact, "slot": "standing", "value": {"status": status}, "id": f"standing/{status}/{as_of}"}


def test_a_step_of_our_own_brings_out_the_status_that_was_kept_back_behind_it() -> None:
    step: Fact = {**due("", 3), "slot": "step.1", "value": {"since": "03"}, "id": "step/3"}
    said = hear(standing(1), standing(2), standing(4), standing(5), step, standing(6))
    assert said == [["standing/2/1"], [], [], [], ["step/3", "standing/2/4"], []]


def test_a_mirror_that_says_otherwise_makes_no_repeat_of_a_primary_source_new() -> None:
    one, other = due("D1", 1), tied("D2", 2, as_of=2, mirror=True)
    assert hear(one, other, due("D1", 3), tied("D2", 4, as_of=4, mirror=True)) == [ids(one), ids(other), [], []]


def of_nights(last: int, *, said: bool = False) -> Memory:
    """Return what an earlier version remembered of a due date that each night said again: all of it."""
    facts = {fact["id"]: fact for fact in (due("D1", night) for night in range(1, last + 1))}
    return Memory("X", facts, set() if said else set(facts) - {"motcua-1/D1/1"})


def test_only_the_newest_repeats_are_remembered_and_a_forgotten_one_is_a_repeat_again() -> None:
    memory = Memory(raw_code="X")
    assert [len(memory.hear(due("D1", night))) for night in range(1, 61)] == [1, *[0] * 59]
    assert KEPT < len(memory.facts) <= 1 + KEPT + STRIDE
    assert {f"motcua-1/D1/{night}" for night in (1, 60, 59, 61 - KEPT)} <= memory.facts.keys()
    memory = Memory.of(orjson.loads(orjson.dumps(memory.document())))
    memory.hear(due("D1", 61))
    memory.changed = False
    assert (memory.hear(due("D1", 20)), memory.changed) == ([], False)
    assert [fact["as_of"] for fact in memory.hear(due("D2", 20))] == ["54", "20"]  # the oldest remembered behind it


@pytest.mark.parametrize("said", [True, False])
def test_a_row_of_an_earlier_version_is_read_and_shrinks(said: bool) -> None:
    stored = of_nights(60, said=said).document()
    memory = Memory.of(orjson.loads(orjson.dumps(stored)))
    assert [memory.hear(due("D1", night)) for night in range(61, 61 + STRIDE)] == [[]] * STRIDE
    assert len(memory.facts) <= 1 + KEPT + STRIDE
    assert [memory.knows(due("D1", night)["id"]) for night in (1, 20, 60)] == [True, said, True]
    assert (len(memory.told_again(["motcua-1/D1/1"])) > 40) is said
    memory = Memory.of(orjson.loads(orjson.dumps(memory.document())))
    assert memory.hear(due("D1", 20)) == []


def test_what_was_forgotten_stays_so_where_all_is_told() -> None:
    memory = Memory(raw_code="X")
    for night in range(1, 31):
        memory.hear(due("D1", night))
    memory.tell_all()
    memory = Memory.of(orjson.loads(orjson.dumps(memory.document())))
    assert [len(memory.hear(due("D1", night))) for night in (10, 30, 31)] == [0, 0, 1]
    announced: Fact = {**due("D1", 12), "id": "announced", "why": "apology"}
    assert len(memory.hear(announced)) == 1  # what says more than those that are forgotten is none of them
    assert len(memory.hear(due("D2", 10))) == 1
    assert len(memory.hear(due("D1", 11))) == 1  # nor is what comes after something else was said


def tied(value: str, heard: int, *, as_of: int = 1, mirror: bool = False) -> Fact:
    fact = due(value, as_of, heard=heard, source="portal" if mirror else "motcua-1")
    return {**fact, "mirror": True} if mirror else fact


def reversals(*facts: Fact) -> list[tuple[str, str]]:
    memory = Memory(raw_code="X")
    for fact in facts:
        memory.hear(fact)
    return [(stood["value"], came["value"]) for stood, came in memory.reversals]


def test_two_values_of_one_as_of_are_a_possible_reversal_in_the_order_of_their_receipt() -> None:
    assert reversals(tied("D1", 1), tied("D2", 2)) == [("D1", "D2")]
    assert reversals(tied("D2", 2), tied("D1", 1)) == [("D1", "D2")]
    assert reversals(tied("D1", 1), tied("D3", 3), tied("D2", 2)) == [("D1", "D3"), ("D1", "D2"), ("D2", "D3")]


def test_what_its_own_times_order_is_no_reversal_nor_what_a_mirror_says_beside_a_primary() -> None:
    assert reversals(tied("D1", 1), tied("D2", 2, as_of=2), tied("D1", 1)) == []
    assert reversals(tied("D1", 1), tied("D2", 2, mirror=True), tied("D3", 3, mirror=True)) == []


def test_what_tells_all_keeps_nothing_back_and_stays_so_when_stored() -> None:
    memory = Memory(raw_code="X")
    assert [len(memory.hear(tied("D1", heard, as_of=heard))) for heard in (1, 2)] == [1, 0]
    assert [fact["as_of"] for fact in memory.tell_all()] == ["02"]
    memory.known_as = "Y"
    again = Memory.of(memory.document())
    assert (again.known_as, len(again.hear(tied("D1", 3, as_of=3)))) == ("Y", 1)
