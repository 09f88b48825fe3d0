"""`dondoc complaints rules`: whether the files of rules can be used, what they say, and where a feedback would go."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from services.complaints.rules import telling
from shared.cli import AsJson, fail

if TYPE_CHECKING:
    from services.complaints.rules.policy import Policies
    from services.complaints.rules.routes import Read
    from services.complaints.rules.units import Offices

rules = typer.Typer(
    help="What is owed for a feedback and until when, and which unit must act: the files of rules.",
    no_args_is_help=True,
)

ROUTES = re.compile(r"^routes:", re.MULTILINE)  # what only a file of routes has
UnitsFile = Annotated[
    Path | None, typer.Option("--units", exists=True, dir_okay=False, help="CSV of units, else the carried directory.")
]
PostsFile = Annotated[
    Path | None, typer.Option("--posts", exists=True, dir_okay=False, help="CSV of posts: who heads which unit.")
]
PolicyFile = Annotated[Path | None, typer.Option("--policy", exists=True, dir_okay=False, help="Another policy.")]
RoutesFile = Annotated[Path | None, typer.Option("--routes", exists=True, dir_okay=False, help="Other routes.")]
On = Annotated[str | None, typer.Option("--on", help="As of this day, such as 2026-11-26; else today.")]


class Loaded(NamedTuple):
    """What a command goes by: both files, the directory, the day."""

    policies: Policies
    read: Read
    offices: Offices
    on: date


@rules.command("check", epilog="Example: dondoc complaints rules check feedback.yaml routes.yaml --units units.csv")
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(exists=True, dir_okay=False, help="A policy, routes; else the carried ones.")
    ] = None,
    units: UnitsFile = None,
    posts: PostsFile = None,
    on: On = None,
    as_json: AsJson = False,
) -> None:
    """Check a policy of feedback and its routes, and show what they say; each fault is named with its line.

    Periods are shown with the act and how well it is verified: `low` makes it a setting that the province confirms.
    Exit code 1: a file cannot be used. What is only odd (a route that is never reached, a unit that the directory
    lacks) is no reason for that.
    """
    from services.complaints.rules import checking
    from services.complaints.rules.policy import CARRIED as POLICY
    from services.complaints.rules.routes import CARRIED as ROUTES_FILE

    policy, routes = _told_apart(files or [])
    loaded = _loaded(policy, routes, units, posts, on, as_json=as_json)
    policies, read, offices, day = loaded
    odd = [(policy or POLICY, fault) for fault in checking.odd_policies(policies, offices, on=day)]
    odd += [(routes or ROUTES_FILE, fault) for fault in checking.odd_routes(read, policies.on(day), offices, on=day)]
    if as_json:
        telling.as_json(telling.rules_document(policies, read.routes, odd))
        return
    for file, fault in odd:
        typer.echo(f"{file}: {fault} (odd, not wrong)", err=True)
    for one in policies.several:
        telling.policy(one)
    telling.routes(read.routes, offices, on=day)


@rules.command(
    "test",
    epilog="Example: dondoc complaints rules test matters.csv; or of one matter: "
    'dondoc complaints rules test kind=denunciation unit="Phường Hạc Thành"',
)
def try_matters(
    what: Annotated[list[str], typer.Argument(help="CSV of matters; or of one matter COLUMN=VALUE, each in turn.")],
    policy: PolicyFile = None,
    routes: RoutesFile = None,
    units: UnitsFile = None,
    posts: PostsFile = None,
    on: On = None,
    as_json: AsJson = False,
) -> None:
    """Say where matters go, by which route and why: those of a table, or one.

    Columns: kind (reflection, recommendation, complaint, denunciation), field, categories, unit, accused_units,
    accused_persons, dossier_unit, procedure, place_unit, instance, on, expected (a code, `-` for the operator), about.
    Only kind must be there; units are codes or names, several with | between. Exit code 1: one of them goes elsewhere
    than expected.
    """
    from services.complaints.rules import tables

    loaded = _loaded(policy, routes, units, posts, on, as_json=as_json)
    try:
        rows = tables.read(what, loaded.offices, on=loaded.on)
    except tables.TableError as error:
        fail(str(error), code=2)
    for row in rows:
        fields = loaded.policies.on(row.matter.on).fields
        if row.matter.field and row.matter.field not in fields:
            typer.echo(f"{row.at}: the policy has no field {row.matter.field!r}, only {', '.join(fields)}", err=True)
    found = tables.tried(rows, policies=loaded.policies, routes=loaded.read.routes, offices=loaded.offices)
    if as_json:
        telling.as_json({"matters": [telling.document(one) for one in found]})
    else:
        telling.matters(found, loaded.offices)
    if not all(one.is_right for one in found):
        raise typer.Exit(1)


def _told_apart(files: list[Path]) -> tuple[Path | None, Path | None]:
    """Return the policy and the routes among files, one of each at most."""
    by_kind: dict[bool, Path] = {}
    for file in files:
        is_routes = bool(ROUTES.search(file.read_text("utf-8-sig", errors="replace")))
        if is_routes in by_kind:
            raise typer.BadParameter(f"two files of {'routes' if is_routes else 'a policy'}; check one at a time")
        by_kind[is_routes] = file
    return by_kind.get(False), by_kind.get(True)


def _loaded(
    policy: Path | None, routes: Path | None, units: Path | None, posts: Path | None, on: str | None, *, as_json: bool
) -> Loaded:
    """Return all that decides; ends the command where a file cannot be used."""
    from services.complaints.rules import policy as policy_file
    from services.complaints.rules import routes as routes_file
    from services.complaints.rules import tables
    from shared.clock import day_of, machine_now
    from shared.rule_files import Fault, RuleFileError, text_of

    faults: list[tuple[Path, Fault]] = []
    policies = read = None
    try:
        policies = policy_file.load(policy)
    except RuleFileError as error:
        faults += [(policy or policy_file.CARRIED, fault) for fault in error.faults]
    try:
        read = routes_file.read(text_of(routes or routes_file.CARRIED))
    except RuleFileError as error:
        faults += [(routes or routes_file.CARRIED, fault) for fault in error.faults]
    if policies is None or read is None:
        telling.faults(faults, in_json=as_json)
        raise typer.Exit(1)
    try:
        day = date.fromisoformat(on or day_of(machine_now()))
    except ValueError:
        raise typer.BadParameter(f"{on} is not a day like 2026-11-26", param_hint="--on") from None
    try:
        return Loaded(policies, read, tables.units(units, posts), day)
    except tables.TableError as error:
        fail(str(error))
