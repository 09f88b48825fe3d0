"""Facts retracted, restored and joined make one state, whatever the order, and the state of what is left."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from services.deadline.folding import fold
from services.deadline.reference import carried
from services.intake.correcting import marks
from services.intake.correcting.marks import RETRACTED, STANDS, Said
from shared.events import Fact, Obligation
from tests.unit.deadline import saying
from tests.unit.deadline.saying import Message, own
from tests.unit.deadline.test_fold_any_order import histories, receipts, sources, times

OTHER = "ML-2026/0001"
WHY = Said("Nhập nhầm", "Văn phòng", "2026-11-20T09:00:00+07:00")

isos = times.map(datetime.isoformat)
units = st.sampled_from(["UBND xã Mường Lát", "H56.13", "UBND xã Mường Chanh"])


@st.composite
def ours(draw: st.DrawFn) -> Message:
    """Draw what our own format says of moves between units, steps and the rest of a life."""
    number, at, later = draw(st.integers(1, 2)), draw(isos), draw(st.integers(0, 60))
    until = draw(st.sampled_from([None, (datetime.fromisoformat(at) + timedelta(hours=later)).isoformat()]))
    said: dict[str, dict[str, Any]] = {
        "transfer": {"number": number, "at": at, "unit_to": draw(units)},
        "step": {"number": number, "unit": draw(units), "since": at, "until": until, "due_at": draw(isos)},
        "supplement": {"number": number, "requested_at": at, "received_at": until},
        "pause": {"number": number, "kind": "suspension", "since": at, "until": until},
        "accepted": {"accepted_at": at, "due_at": draw(isos), "unit": draw(units), "slip": "12"},
        "ended": {"ended_at": at, "end": draw(st.sampled_from(["completed", "refused", "withdrawn", "stopped"]))},
        "returned": {"returned_at": at},
        "digital": {"digitised": draw(st.booleans())},
        "due_date": {"due_at": draw(isos), "announced_at": at},
    }
    type = draw(st.sampled_from(sorted(said)))
    sent_at = draw(st.one_of(st.none(), isos))
    return own(type, draw(receipts), source=draw(sources), sent_at=sent_at, **said[type])


lives = st.tuples(histories, st.lists(ours(), max_size=6)).map(lambda both: [*both[0], *both[1]])


def events(facts: list[Fact]) -> saying.Events:
    """Return an event a fact, so that any order of facts is one of events."""
    return [dict(orjson.loads(orjson.dumps({"raw_code": saying.CODE, "facts": [fact]}))) for fact in facts]


def facts_of(messages: list[Message]) -> list[Fact]:
    return [fact for message in messages for fact in saying.facts(message)[1]]


def mixed(facts: list[Fact], data: st.DataObject) -> saying.Events:
    return saying.shuffled(events(facts), seed=data.draw(st.integers(0, 999)))


def under(code: str, facts: list[Fact], data: st.DataObject) -> list[Obligation]:
    said = mixed(facts, data)
    return [one.obligation for one in fold(f"dossier/{code}", said, known=carried(), terms=saying.TERMS)]


RULES = settings(max_examples=150)


@given(life=lives, data=st.data())
@RULES
def test_any_order_of_what_either_format_says_makes_one_state(life: list[Message], data: st.DataObject) -> None:
    deliveries = data.draw(st.permutations(life))
    said = saying.shuffled(saying.through_memory(deliveries), seed=data.draw(st.integers(0, 99)))
    for until in (None, data.draw(isos)):
        assert saying.obligations(said, until=until) == saying.obligations(saying.everything(life), until=until)


@given(life=lives, data=st.data())
@RULES
def test_what_is_retracted_is_left_out_and_what_is_restored_counts_again(
    life: list[Message], data: st.DataObject
) -> None:
    facts = facts_of(life)
    ids = sorted({fact["id"] for fact in facts})
    chosen = data.draw(st.sets(st.sampled_from(ids), min_size=1))
    key = saying.CODE
    retractions = [marks.mark(key, RETRACTED, id, WHY) for id in sorted(chosen)]
    left = [fact for fact in facts if fact["id"] not in chosen]
    made = under(key, [*facts, *retractions], data)
    if left:
        assert made == under(key, left, data)
    else:
        assert [(one["end"], one["flags"], one["due_at"]) for one in made] == [("void", ["retracted"], None)]
    restored = [marks.mark(key, RETRACTED, one["id"], WHY) for one in retractions]
    assert under(key, [*facts, *retractions, *restored], data) == under(key, facts, data)
    again = [marks.mark(key, RETRACTED, one["id"], WHY) for one in restored]
    assert under(key, [*facts, *retractions, *restored, *again], data) == made


@given(life=lives, other=lives, data=st.data())
@RULES
def test_what_is_joined_counts_as_one_until_it_is_parted(
    life: list[Message], other: list[Message], data: st.DataObject
) -> None:
    own_facts = facts_of(life)
    theirs: list[Fact] = [{**fact, "said_of": OTHER} for fact in facts_of(other)]
    joined, parted, again = (
        marks.same(OTHER, saying.CODE, holds=holds, revision=revision, at=WHY.at)
        for revision, holds in enumerate((True, False, True), start=1)
    )
    together = under(saying.CODE, [*own_facts, *facts_of(other)], data)
    assert under(saying.CODE, [*own_facts, *theirs, joined], data) == together
    assert under(saying.CODE, [*own_facts, *theirs, joined, parted, again], data) == together
    alone = under(saying.CODE, own_facts, data)
    if not {fact["id"] for fact in theirs} & {fact["id"] for fact in own_facts}:
        assert under(saying.CODE, [*own_facts, *theirs, joined, parted], data) == alone
    [void] = under(OTHER, [*facts_of(other), joined], data)
    assert (void["end"], void["flags"], void["state"]) == ("void", ["same_as"], "ended")
    assert under(OTHER, [*facts_of(other), joined, parted], data) == under(OTHER, facts_of(other), data)


def test_a_fact_that_is_let_stand_is_no_reversal() -> None:
    facts = facts_of([own("accepted", "2026-11-02T10:00", accepted_at="2026-11-02T09:00", due_at=due)
                      for due in ("2026-11-09T09:00", "2026-11-10T09:00")])  # fmt: skip
    [made] = fold(f"dossier/{saying.CODE}", events(facts), known=carried(), terms=saying.TERMS)
    assert "possible_reversal" in made.obligation["flags"]
    dues = sorted((fact for fact in facts if fact["slot"] == "due"), key=lambda fact: (fact["heard"], fact["id"]))
    mark = marks.mark(saying.CODE, STANDS, dues[-1]["id"], WHY)
    [made] = fold(f"dossier/{saying.CODE}", events([*facts, mark]), known=carried(), terms=saying.TERMS)
    assert "possible_reversal" not in made.obligation["flags"]
