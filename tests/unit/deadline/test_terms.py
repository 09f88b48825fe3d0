"""The terms of a feedback are obligations: counted, paused, extended, taken up again, in any order of their events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.deadline import answer
from services.deadline.course import obligation_of
from services.deadline.explaining import explained
from services.deadline.folding import fold
from services.deadline.reference import carried
from services.deadline.refolding import TERMS
from shared.events import ComplaintChanged, Obligation
from shared.worktime import vietnam

CODE = "PA-7K3M-9XQ2-4HRT"
OWN = f"answer/{CODE}"
MONDAY = "2026-11-02T10:00:00+07:00"
TUESDAY = "2026-11-03T10:00:00+07:00"
START = datetime.fromisoformat(MONDAY)


def term(name: str, since: str = TUESDAY, **more: Any) -> dict[str, Any]:
    days = {"screening": 2, "acceptance": 10, "answer": 15, "settlement": 30, "publication": 2}[name]
    measure = "days" if name == "settlement" else "working_days"
    return {"name": name, "unit": "TH-STC", "since": since, "value": days, "measure": measure, "basis": "luật"} | more


def screened(ended_at: str | None = TUESDAY) -> dict[str, Any]:
    return term("screening", MONDAY, unit="TH-TT", ended_at=ended_at, end="answered" if ended_at else None)


def state(revision: int, *terms: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the data of an event as it comes over the stream."""
    said = {
        "code": CODE,
        "revision": revision,
        "unit": "TH-STC",
        "dossier": None,
        "filed_at": MONDAY,
        "answered_at": None,
        "answer_working_days": 15,
        "kind": "reflection",
        "field": "land",
        "terms": terms,
    }
    return ComplaintChanged.model_validate(said | more).model_dump(mode="json")


def made(*states: dict[str, Any], until: str | None = None) -> dict[str, Obligation]:
    folded = [
        obligation_of(course, calendar=vietnam(), near=timedelta(hours=24))
        for course in answer.fold(CODE, states, until=until)
    ]
    return {one["obligation_id"]: one for one in folded}


def test_each_term_is_an_obligation_and_the_answer_is_the_matters_own() -> None:
    found = made(state(1, screened(), term("answer"), term("publication", "2026-11-10T09:00:00+07:00")))
    assert list(found) == [OWN, f"{OWN}/screening", f"{OWN}/publication"]
    assert [one["parent"] for one in found.values()] == [None, OWN, OWN]
    assert {one["kind"] for one in found.values()} == {"answer"}
    assert {one["subject_id"] for one in found.values()} == {CODE}
    own, screening, publication = found.values()
    assert (own["due_at"], own["unit"], own["field"]) == ("2026-11-25T10:00:00+07:00", "TH-STC", "Đất đai")
    assert (own["title"], publication["title"]) == ("trả lời phản ánh", "công khai kết quả trả lời phản ánh")
    assert (screening["state"], screening["end"], screening["unit"]) == ("ended", "answered", "TH-TT")
    assert screening["timing"] == "early"


def test_an_event_without_terms_makes_what_it_made() -> None:
    said = state(1, kind=None, field=None)
    for old in (said, {name: value for name, value in said.items() if name != "terms"}):
        assert made(old)[OWN]["due_at"] == "2026-11-23T10:00:00+07:00"
        assert (made(old)[OWN]["title"], made(old)[OWN]["state"], len(made(old))) == (None, "open", 1)


def test_while_it_is_screened_nothing_else_is_due_and_then_an_answer_is_or_never_will_be() -> None:
    first = state(1, screened(None), kind=None)
    assert (made(first)[OWN]["state"], made(first)[OWN]["timing"]) == ("open", "no_deadline")
    refused = state(2, screened() | {"end": "refused"}, state="refused")
    assert (made(first, refused)[OWN]["end"], made(first, refused)[f"{OWN}/screening"]["end"]) == ("void", "refused")
    assert made(first, state(2, screened(), term("answer")))[OWN]["state"] == "open"


def test_a_measure_is_counted_as_what_it_is() -> None:
    hours = made(state(1, term("screening", "2026-11-03T16:00:00+07:00", value=2, measure="working_hours")))
    assert hours[f"{OWN}/screening"]["due_at"] == "2026-11-04T08:00:00+07:00"
    assert hours[f"{OWN}/screening"]["near_at"] == "2026-11-04T06:00:00+07:00"
    days = made(state(1, term("settlement", value=30)))
    assert days[f"{OWN}/settlement"]["due_at"] == "2026-12-03T10:00:00+07:00"
    assert made(state(1, term("answer", value=0)))[OWN]["timing"] == "no_deadline"


def test_while_a_supplement_is_awaited_the_clock_stands_and_its_time_is_added() -> None:
    asked = term("answer", pauses=[("2026-11-04T10:00:00+07:00", None)])
    assert made(state(1, asked))[OWN]["state"] == "paused"
    given_ = asked | {"pauses": [("2026-11-04T10:00:00+07:00", "2026-11-06T10:00:00+07:00")]}
    assert made(state(1, asked), state(2, given_))[OWN]["due_at"] == "2026-11-27T10:00:00+07:00"
    assert made(state(2, given_), until="2026-11-05T10:00:00+07:00")[OWN]["state"] == "paused"


def test_an_extension_moves_the_due_time_and_the_first_one_is_kept_and_told() -> None:
    before = state(1, term("settlement", value=30), kind="complaint")
    after = state(2, term("settlement", value=45, extended=1), kind="complaint")
    extended = made(before, after)[f"{OWN}/settlement"]
    assert extended["first_due_at"] == made(before)[f"{OWN}/settlement"]["due_at"] == "2026-12-03T10:00:00+07:00"
    assert (extended["due_at"], extended["flags"]) == ("2026-12-18T10:00:00+07:00", ["extended"])
    assert made(after)[f"{OWN}/settlement"]["first_due_at"] == extended["due_at"]  # what it was is not known
    _, settlement = fold(OWN, [after, before], known=carried(), terms=TERMS)
    told = explained(settlement, now=TUESDAY)["sentence"]
    assert "thời hạn 45 ngày (căn cứ luật)" in told
    assert "đã được gia hạn theo quy định; thời hạn ban đầu là 30 ngày (căn cứ luật), hạn 10:00 ngày 03/12/2026" in told


def test_what_is_answered_and_taken_up_again_keeps_its_first_end() -> None:
    answered = term("answer", ended_at="2026-11-10T09:00:00+07:00", end="answered")
    again = term("answer", "2026-11-16T09:00:00+07:00")
    for newest in (state(2, again), state(2, answered, again)):
        own = made(state(1, answered), newest)[OWN]
        assert (own["state"], own["end"], own["flags"]) == ("open", None, ["reopened"])
        assert (own["first_ended_at"], own["ended_at"]) == ("2026-11-10T09:00:00+07:00", None)
        assert (own["accepted_at"], own["due_at"]) == ("2026-11-16T09:00:00+07:00", "2026-12-08T09:00:00+07:00")
    ended = made(state(1, answered), state(2, again | {"ended_at": "2026-11-20T09:00:00+07:00", "end": "answered"}))
    assert ended[OWN]["first_ended_at"] == "2026-11-10T09:00:00+07:00"
    assert made(state(1, answered), state(2, again), until="2026-11-12T09:00:00+07:00")[OWN]["state"] == "ended"


def test_a_reflection_that_turns_out_a_complaint_owes_no_answer_but_a_settlement() -> None:
    voided = term("answer", ended_at="2026-11-05T09:00:00+07:00", end="void")
    acceptance = term("acceptance", "2026-11-05T09:00:00+07:00")
    for terms in ((screened(), voided, acceptance), (screened(), acceptance)):
        found = made(state(1, screened(), term("answer")), state(2, *terms, kind="complaint"))
        assert (found[OWN]["state"], found[OWN]["end"], found[OWN]["due_at"]) == ("ended", "void", None)
        assert found[OWN]["ended_at"] == "2026-11-05T09:00:00+07:00"
        assert (found[f"{OWN}/acceptance"]["title"], found[f"{OWN}/acceptance"]["state"]) == (
            "thụ lý khiếu nại",
            "open",
        )


def test_of_what_is_restricted_nothing_but_code_unit_and_terms_is_said() -> None:
    hidden = state(1, term("settlement"), restricted=True, kind="denunciation", not_to=["p2", "p1"])
    settlement = made(hidden)[f"{OWN}/settlement"]
    assert (settlement["confidential"], settlement["restricted"]) == (True, ["p1", "p2"])
    assert (settlement["title"], settlement["field"], settlement["unit"]) == (None, None, "TH-STC")
    assert made(hidden)[OWN]["confidential"]


@dataclass(frozen=True)
class Act:
    """What is done next in a feedback, so many hours after the act before."""

    deed: str
    hours: int


acts = st.lists(
    st.builds(
        Act,
        st.sampled_from(["route", "pause", "resume", "extend", "answer", "reopen", "complaint", "hide", "transfer"]),
        st.integers(0, 60),
    ),
    max_size=8,
)


def history(deeds: Sequence[Act]) -> list[dict[str, Any]]:
    """Return the states of a feedback to which these things are done, one after the other."""
    at, now = START, {"screening": screened(None)}
    more: dict[str, Any] = {"kind": None}
    states = [state(1, *now.values(), **more)]
    for act in deeds:
        at += timedelta(hours=act.hours)
        _do(act.deed, now, more, at.isoformat())
        states.append(state(len(states) + 1, *now.values(), **more))
    return states


def _do(deed: str, now: dict[str, dict[str, Any]], more: dict[str, Any], at: str) -> None:
    open_ = [name for name, one in now.items() if not one.get("ended_at")]
    last = now[open_[-1]] if open_ else None
    if deed in ("route", "reopen", "complaint"):
        for name in open_:
            now[name] = now[name] | {"ended_at": at, "end": "answered" if name == "screening" else "void"}
        now["settlement" if deed == "complaint" else "answer"] = term(
            "settlement" if deed == "complaint" else "answer", at
        )
        more["kind"] = "complaint" if deed == "complaint" else "reflection"
    elif deed == "hide":
        more["restricted"] = not more.get("restricted", False)
    elif last is not None:
        name, pauses = open_[-1], list(last.get("pauses", ()))
        is_paused = bool(pauses) and pauses[-1][1] is None
        if deed == "pause" and not is_paused:
            pauses.append((at, None))
        elif deed == "resume" and is_paused:
            pauses[-1] = (pauses[-1][0], at)
        changes: dict[str, Any] = {"pauses": pauses}
        if deed == "extend":
            changes |= {"value": last["value"] + 10, "extended": last.get("extended", 0) + 1}
        elif deed == "answer":
            changes |= {"ended_at": at, "end": "answered"}
        elif deed == "transfer":
            changes["unit"] = "TH-SXD"
        now[name] = last | changes


@given(deeds=acts, data=st.data())
@settings(max_examples=200)
def test_any_order_with_any_repeats_makes_the_same_obligations(deeds: list[Act], data: st.DataObject) -> None:
    states = history(deeds)
    repeats = data.draw(st.lists(st.sampled_from(states), max_size=4))
    shuffled = data.draw(st.permutations([*states, *repeats]))
    whole = made(*states)
    assert made(*shuffled) == whole
    newest = states[-1]
    assert set(whole) == {OWN} | {f"{OWN}/{one['name']}" for one in newest["terms"] if one["name"] != "answer"}
    assert all(one["confidential"] == newest["restricted"] for one in whole.values())
    at = (START + timedelta(hours=data.draw(st.integers(0, 400)))).isoformat()
    assert made(*shuffled, until=at) == made(*states, until=at)


@given(deeds=acts)
@settings(max_examples=200)
def test_what_is_known_of_an_earlier_moment_is_what_was_known_then(deeds: list[Act]) -> None:
    """Of a moment just before an act the world is as the states said until then made it."""
    states = history(deeds)
    at = START
    for number, act in enumerate(deeds, start=1):
        before, at = at, at + timedelta(hours=act.hours)
        if act.hours and act.deed in ("route", "reopen", "complaint"):  # acts that every moment of tells
            earlier = made(*states[:number], until=before.isoformat())
            assert set(made(*states, until=before.isoformat())) == set(earlier)
