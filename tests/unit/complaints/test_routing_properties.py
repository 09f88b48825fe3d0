"""What holds of routing in any directory by any routes: never to the accused, always to who is there, and it ends."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.complaints.rules import policy as policies
from services.complaints.rules.accused import Matter
from services.complaints.rules.policy import KINDS, FeedbackPolicy
from services.complaints.rules.routes import TARGETS, Routes
from services.complaints.rules.routing import NOBODY, next_after_not_ours, route
from services.complaints.rules.units import Offices
from shared.events import Holding, UnitDescribed

ON = date(2026, 11, 26)
CODES = [f"U{number}" for number in range(8)]
PEOPLE = [f"p{number}" for number in range(5)]
CARRIED: dict[str, Any] = policies.load().several[0].model_dump()
DAYS = st.none() | st.sampled_from([date(2026, 1, 1), date(2026, 11, 25), date(2026, 11, 26), date(2027, 1, 1)])
code, person = st.sampled_from(CODES), st.sampled_from(PEOPLE)
any_code = code | st.just("unknown")

holding = st.builds(
    Holding,
    post=st.sampled_from(["a", "b"]),
    role=st.sampled_from(["head", "head", "deputy", "officer", "one_stop_head"]),
    title=st.just(""),
    person=person,
    name=st.just("…"),
    kind=st.sampled_from(["holder", "acting", "stand_in", "absent"]),
    valid_from=DAYS,
    valid_until=DAYS,
)


@st.composite
def directories(draw: st.DrawFn) -> Offices:
    def unit(code: str) -> UnitDescribed:
        return UnitDescribed(
            code=code,
            revision=1,
            name=f"Đơn vị {code}",
            kind=draw(st.sampled_from(["so", "xa", "phuong"])),
            parent_code=draw(st.none() | any_code),
            head_title="",
            head_name=None,
            email=None,
            phone=None,
            aliases=(),
            active=draw(st.booleans() | st.just(True)),
            valid_from=draw(DAYS),
            valid_until=draw(DAYS),
            successors=tuple(draw(st.lists(any_code, max_size=2))),
            posts=tuple(draw(st.lists(holding, max_size=3))),
        )

    return Offices(unit(code) for code in draw(st.lists(code, unique=True)))


@st.composite
def policies_of(draw: st.DrawFn) -> FeedbackPolicy:
    kinds = {kind: {**CARRIED["kinds"][kind], "oversight": draw(st.lists(code, min_size=1))} for kind in KINDS}
    changes = {
        "centre": draw(any_code),
        "province": draw(code),
        "acts_for_province": {kind: draw(code) for kind in draw(st.lists(st.sampled_from(KINDS)))},
        "moves": draw(st.integers(0, 4)),
        "staff_accused": draw(st.sampled_from(["superior", "own_head"])),
        "kinds": kinds,
    }
    return FeedbackPolicy.model_validate({**CARRIED, **changes})


conditions = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.lists(st.sampled_from(KINDS), min_size=1, max_size=2),
        "field": st.just("land"),
        "category": st.just("late"),
        "named_unit": code,
        "unit_kind": st.just("xa"),
        "place": any_code,
        "dossier_unit": code,
        "procedure": st.just("1.01"),
        "accuses": st.booleans(),
        "instance": st.sampled_from([1, 2]),
    },
)


@st.composite
def routes_of(draw: st.DrawFn) -> Routes:
    rules = [
        {"id": f"r{number}", "when": draw(conditions), "to": draw(st.sampled_from(TARGETS) | any_code.map(str.upper))}
        for number in range(draw(st.integers(1, 6)))
    ]
    return Routes.model_validate({"version": "1", "departments": {"land": draw(code)}, "routes": rules})


matters = st.builds(
    Matter,
    kind=st.sampled_from(KINDS),
    on=st.just(ON),
    field=st.none() | st.just("land"),
    categories=st.just(()) | st.just(("late",)),
    unit=st.none() | any_code,
    accused_units=st.lists(any_code, max_size=2).map(tuple),
    accused_persons=st.lists(person, max_size=2).map(tuple),
    dossier_unit=st.none() | any_code,
    procedure=st.none() | st.just("1.012753.H56"),
    place_unit=st.none() | any_code,
    instance=st.sampled_from([1, 2]),
)


def is_accused(code: str, matter: Matter, policy: FeedbackPolicy, offices: Offices) -> bool:
    """Return whether a unit is accused, as the directory's own rows say it."""
    named = {*matter.accused_units, *((matter.unit,) if matter.kind == "denunciation" else ())} - {None}
    followers = {one for unit in named if unit for one in offices.stand(unit, on=ON)}
    roles = {
        one.role
        for one in offices.units[code].posts
        if one.person in matter.accused_persons and (one.valid_from or ON) <= ON <= (one.valid_until or ON)
    }
    if policy.staff_accused == "own_head":
        roles &= {"head", "deputy"}
    heads = {head for unit in (named | followers) - {None} if unit for head in offices.heads(unit, on=ON)}
    return code in named | followers or bool(roles) or not heads.isdisjoint(offices.heads(code, on=ON))


@settings(max_examples=400)
@given(matters, policies_of(), routes_of(), directories())
def test_who_gets_it_is_there_and_never_the_accused_nor_under_them(
    matter: Matter, policy: FeedbackPolicy, routes: Routes, offices: Offices
) -> None:
    found = route(matter, policy, routes=routes, units=offices)
    if found.unit is None:
        assert found.why == NOBODY
        return
    assert offices.stand(found.unit, on=ON) == (found.unit,)
    assert not is_accused(found.unit, matter, policy, offices)
    above = offices.units[found.unit].parent_code
    assert above not in (*matter.accused_units, *((matter.unit,) if matter.kind == "denunciation" else ())) or not above
    assert set(matter.accused_persons) <= set(found.not_to)
    for accused in (*matter.accused_units, *matter.accused_persons):
        assert accused not in found.why


@settings(max_examples=300)
@given(matters, policies_of(), routes_of(), directories())
def test_not_ours_never_leads_back_nor_to_the_accused_and_ends(
    matter: Matter, policy: FeedbackPolicy, routes: Routes, offices: Offices
) -> None:
    found = route(matter, policy, routes=routes, units=offices)
    history: list[str] = []
    while found.unit is not None:
        assert found.unit not in history
        assert not is_accused(found.unit, matter, policy, offices)
        history.append(found.unit)
        found = next_after_not_ours(history, matter, policy, routes=routes, units=offices)
    assert len(history) <= len(offices.units)
    assert found.why == NOBODY
