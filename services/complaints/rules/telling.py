"""What `dondoc complaints rules` prints."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from services.complaints.rules.policy import FeedbackPolicy, Policies
    from services.complaints.rules.routes import Routes, When
    from services.complaints.rules.tables import Tried
    from services.complaints.rules.terms import Length, Sourced, TermRule
    from services.complaints.rules.units import Units
    from shared.rule_files import Fault

MEASURES = {"working_hours": "working hours", "working_days": "working days", "days": "days"}
SETTING = "a setting: confirm it"


def as_json(document: Any) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False))


def faults(found: Sequence[tuple[Path, Fault]], *, in_json: bool) -> None:
    """Say why files cannot be used."""
    if in_json:
        as_json({"usable": False, "faults": [{"file": str(file), **fault._asdict()} for file, fault in found]})
        return
    for file, fault in found:
        typer.echo(f"{file}: {fault}", err=True)
    number = "1 fault" if len(found) == 1 else f"{len(found)} faults"
    typer.echo(f"dondoc: the rules cannot be used: {number}, named above", err=True)


def rules_document(policies: Policies, read: Routes, odd: Iterable[tuple[Path, Fault]]) -> dict[str, Any]:
    return {
        "usable": True,
        "warnings": [{"file": str(file), **fault._asdict()} for file, fault in odd],
        "settings": [
            {"version": one.version, "kind": kind, "about": about, "basis": sourced.basis}
            for one in policies.several
            for kind, about, sourced in _sourced(one)
            if sourced.is_setting
        ],
        "policies": [one.model_dump(mode="json") for one in policies.several],
        "routes": read.model_dump(mode="json"),
    }


def policy(one: FeedbackPolicy) -> None:
    """Say what a policy holds: each period with its act and how well that is verified."""
    since = f", in force from {one.valid_from}" if one.valid_from else ""
    typer.echo(f"policy version {one.version}: good{since}; sorted by {one.screener}")
    for kind, about, sourced in _sourced(one):
        typer.echo(f"  {kind}: {about} ({_source(sourced)})")
    typer.echo(
        f"  reopened within {one.reopening.within_days} days, at most {one.reopening.times}×; "
        f'moved on by "not ours" at most {one.moves}×'
    )
    for name, pattern in (("unit", one.patterns.unit), ("person", one.patterns.person)):
        typer.echo(f"  pattern: {pattern.reports} reports about one {name} within {pattern.days} days")


def _sourced(one: FeedbackPolicy) -> Iterable[tuple[str, str, Sourced]]:
    """Yield all that an act stands behind: the kind, what is said, its source."""
    for kind, of_kind in one.kinds.items():
        for name, term in of_kind.terms.items():
            yield kind, f"{name} {_length(term, term)}", term
        yield kind, f"anonymous {of_kind.anonymous.rule}", of_kind.anonymous
        yield kind, f"identity hidden {of_kind.identity.hidden}", of_kind.identity


def _length(length: Length, term: TermRule) -> str:
    said = f"{length.value} {MEASURES[term.measure]}"
    for name, several in (
        ("remote", (length.remote,) if length.remote else ()),
        ("complex", length.complex),
        ("complex and remote", length.complex_remote),
    ):
        said += f", {name} {' or '.join(map(str, several))}" if several else ""
    return f"{said}; second instance {_length(term.second, term)}" if length is term and term.second else said


def _source(sourced: Sourced) -> str:
    said = f"{sourced.confidence}: {sourced.basis}"
    return f"{said}; {SETTING}" if sourced.is_setting else said


def routes(read: Routes, offices: Units, *, on: date) -> None:
    """Say the routes in their order."""
    typer.echo(f"routes version {read.version}: good; the first that fits decides")
    for number, rule in enumerate(read.routes, start=1):
        dates = " ".join(
            f"{word} {day}" for word, day in (("from", rule.valid_from), ("until", rule.valid_until)) if day
        )
        rest = "" if rule.is_in_force(on) else f" (not in force on {on})"
        name = f" ({offices.name(rule.to)})" if offices.kind(rule.to) is not None else ""
        typer.echo(f"  {number}. {rule.id}: {_when(rule.when)} → {rule.to}{name}{f', {dates}' if dates else ''}{rest}")


def _when(when: When) -> str:
    given = when.model_dump(exclude_defaults=True)
    said = (f"{name} {'/'.join(map(str, v)) if isinstance(v, tuple) else str(v).lower()}" for name, v in given.items())
    return "; ".join(said) or "all that is left"


def document(one: Tried) -> dict[str, Any]:
    given, got = one.given, one.got
    return {
        "at": given.at,
        "about": given.about,
        "expected": given.expected,
        "unit": got.unit,
        "rule": got.rule,
        "why": got.why,
        "bypassed": got.bypassed,
        "not_to": got.not_to,
        "right": one.is_right,
    }


def matters(found: Sequence[Tried], offices: Units) -> None:
    """Say where each matter goes, then how many go elsewhere than expected."""
    for one in found:
        given, got = one.given, one.got
        went = f"{got.unit} ({offices.name(got.unit)})" if got.unit else "- (the operator)"
        mark = "" if given.expected == "" else "ok " if one.is_right else "NO "
        typer.echo(f"{mark}{given.about or given.at}: {went}, by route {got.rule}. {got.why}")
        if not one.is_right:
            typer.echo(f"   expected {given.expected or '- (the operator)'}")
        if got.bypassed:
            typer.echo(f"   bypassed: {', '.join(got.bypassed)}; not to be told: {', '.join(got.not_to)}")
    wrong = sum(not one.is_right for one in found)
    if any(one.given.expected != "" for one in found):
        typer.echo(f"{len(found)} matters, {wrong} go elsewhere than expected")
