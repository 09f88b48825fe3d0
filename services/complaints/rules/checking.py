"""What in a policy and in routes is no fault and perhaps not meant. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from services.complaints.rules.policy import FeedbackPolicy, Policies
from services.complaints.rules.routes import TARGETS, Read, Rule, When
from services.complaints.rules.routing import ABOVE_DENOUNCED
from services.complaints.rules.units import Units
from shared.rule_files import Fault, Location, Written

Odd = Iterator[tuple[Location, str]]
# what a rule must be given so that its target is there
GIVEN: Mapping[str, tuple[str, ...]] = {
    "named_unit": ("named_unit", "unit_kind"),
    "superior_of_named": ("named_unit",),
    "dossier_unit": ("dossier_unit",),
}


def odd_policies(policies: Policies, units: Units, *, on: date) -> list[Fault]:
    """Return what is odd in policies, in the order of the file: units that the directory lacks on the day."""
    found = [
        written.fault(at, why)
        for policy, written in zip(policies.several, policies.written, strict=True)
        for at, why in _unknown_units(_units_of(policy), units, on=max(on, policy.valid_from or on))
    ]
    return sorted(set(found))


def odd_routes(read: Read, policy: FeedbackPolicy, units: Units, *, on: date) -> list[Fault]:
    """Return what is odd in routes, in the order of the file."""
    named: list[tuple[Location, str]] = [(("departments", key), code) for key, code in read.routes.departments.items()]
    found = [*_unknown_units(named, units, on=on), *_tables(read, policy)]
    for place, rule in enumerate(read.routes.routes):
        at: Location = ("routes", place)
        if rule.valid_until and rule.valid_until < on:
            continue
        day = max(on, rule.valid_from or on)
        codes = [((*at, "to"), rule.to)] if rule.to not in TARGETS else []
        codes += [
            ((*at, "when", name), code) for name in ("named_unit", "dossier_unit") for code in getattr(rule.when, name)
        ]
        found += _unknown_units(codes, units, on=day)
        found += (((*at, *where), why) for where, why in (*_words(rule, policy), *_places(rule, units, on=day)))
        found += (((*at, *where), why) for where, why in _order(rule, read.routes.routes[:place]))
    return sorted({_fault(read.written, where, why) for where, why in found})


def _fault(written: Written, at: Location, why: str) -> Fault:
    return written.fault(at, why)


def _units_of(policy: FeedbackPolicy) -> Iterator[tuple[Location, str]]:
    yield ("centre",), policy.centre
    yield ("screened_by",), policy.screener
    yield ("province",), policy.province
    for kind, code in policy.acts_for_province.items():
        yield ("acts_for_province", kind), code
    for kind, of_kind in policy.kinds.items():
        yield from ((("kinds", kind, "oversight"), code) for code in of_kind.oversight)


def _unknown_units(named: Iterable[tuple[Location, str]], units: Units, *, on: date) -> Odd:
    for at, code in named:
        if units.kind(code) is None:
            yield at, f"the directory has no unit {code}"
        elif len(standing := units.stand(code, on=on)) != 1:
            several = f"; {len(standing)} units follow it" if standing else ""
            yield at, f"the unit {code} is not in force on {on}{several}"


def _tables(read: Read, policy: FeedbackPolicy) -> Odd:
    departments = read.routes.departments
    if departments and (left := [key for key in policy.fields if key not in departments]):
        yield ("departments",), f"no unit is named for {', '.join(left)}"
    for key in departments:
        if key not in policy.fields:
            yield ("departments", key), "the policy has no such field"
    if any(rule.to == "department_of_field" for rule in read.routes.routes) and not departments:
        yield ("departments",), "is empty, and a route goes by it"


def _words(rule: Rule, policy: FeedbackPolicy) -> Odd:
    for name, keys, known in (
        ("field", rule.when.field, policy.fields),
        ("category", rule.when.category, policy.categories),
    ):
        for key in keys:
            if key not in known:
                yield ("when", name), f"the policy has no {name} {key}"
    if rule.when.kind == ("denunciation",) and rule.to in TARGETS and rule.to not in ABOVE_DENOUNCED:
        yield ("to",), "a denunciation goes above the accused all the same"


def _places(rule: Rule, units: Units, *, on: date) -> Odd:
    for word in rule.when.place:
        if units.kind(word) is None and units.resolve(word, on=on) is None:
            yield ("when", "place"), f"the directory has no single unit for {word}"


def _order(rule: Rule, earlier: Iterable[Rule]) -> Odd:
    for one in earlier:
        if not _covers(one, rule):
            continue
        if one.to == rule.to:
            yield (), f"route {rule.id} is never used: route {one.id} takes all of it to the same unit"
            return
        if _always_there(one.to, rule.when):
            yield (), f'route {rule.id} is never reached but after a "not ours": route {one.id} takes all of it'
            return


def _covers(one: Rule, other: Rule) -> bool:
    """Return whether all that `other` is for, whenever it is, is for `one` as well."""
    if (one.valid_from or date.min) > (other.valid_from or date.min):
        return False
    if (one.valid_until or date.max) < (other.valid_until or date.max):
        return False
    return all(_holds_all(getattr(one.when, name), getattr(other.when, name)) for name in When.model_fields)


def _holds_all(mine: object, theirs: object) -> bool:
    if mine is None or mine == ():
        return True
    if isinstance(mine, tuple) and isinstance(theirs, tuple):
        return bool(theirs) and set(theirs) <= set(mine)
    return mine == theirs


def _always_there(target: str, when: When) -> bool:
    """Return whether a target is there for all that a rule is for."""
    if target == "superior_of_accused":
        return when.accuses is True or when.kind == ("denunciation",)
    if target in ("commune_of_place", "department_of_field"):
        return False
    return target not in GIVEN or any(getattr(when, name) for name in GIVEN[target])
