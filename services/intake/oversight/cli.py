"""Oversight from the command line: records from tables, what was submitted, proposals and choices of units to check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from shared.cli import REFUSED_INPUT, AsJson, Data, DryRun, ask, call, client, fail, group, lines_of, moment, refusal

if TYPE_CHECKING:
    import httpx

    from shared.events import RecordKind

ABOUT_LOAD = """Take a table of one kind: CSV in UTF-8, with , or ; between cells. Records that are not in it, and empty
cells, stay as they are.

The first line names the columns, in any order. Dates are written 2026-12-15 or 15/12/2026; a day on which something is
due is meant to its end. Needed are

\b
finding         id,unit,text,severity (high, medium, low);
                also inspection,body,found_on,report_due_on
task            id,unit,title,due_on; also finding,division,given_at,
                status (open, submitted, returned, accepted, withdrawn),status_at,evidence
plan            id,unit,year; also title,approved_on
plan_item       id,unit,title,due_on,category; also plan,division,status,status_at,evidence
report          id,unit,title,due_on; also basis,status,status_at,evidence
surprise_check  id,unit,on,result (clean, minor, serious); also ordered_by,
                findings (ids with | between them)
recommendation  id,unit,ref,addressee,answer_due_on; also measure,sent_on,status,
                status_at,answer,outcome,outcome_on. No names: id and ref are codes

Exit code 3: some lines were refused, each told with its number; the others are taken.
"""
WRONG_CALL = 2  # exit code
Ids = Annotated[str, typer.Argument(metavar="ID", help="As `dondoc oversight list` shows it.")]


class Kind(StrEnum):
    FINDING = "finding"
    TASK = "task"
    PLAN = "plan"
    PLAN_ITEM = "plan_item"
    REPORT = "report"
    SURPRISE_CHECK = "surprise_check"
    RECOMMENDATION = "recommendation"


class OwedKind(StrEnum):
    """Kinds of which something is handed in; of a finding it is the report on it."""

    TASK = "task"
    REPORT = "report"
    PLAN_ITEM = "plan_item"
    RECOMMENDATION = "recommendation"
    FINDING = "finding"


def register(app: typer.Typer) -> None:
    oversight = group(app, "oversight", about="Findings, tasks, plans, surprise checks, recommendations to discipline.")
    oversight.command("load", help=ABOUT_LOAD, epilog="Example: dondoc oversight load --kind task tasks.csv --dry-run")(
        load
    )
    oversight.command("list", epilog="Example: dondoc oversight list task --json")(list_records)
    for name, status in (
        ("submit", "submitted"),
        ("accept", "accepted"),
        ("return", "returned"),
        ("withdraw", "withdrawn"),
    ):
        oversight.command(
            name,
            help=f"Note that something owed was {status}. Once noted, noting it again changes nothing.",
            epilog=f"Example: dondoc oversight {name} task KL-12/3 --at 2026-12-10T09:00:00+07:00",
        )(_noting(status))
    oversight.command("propose", epilog="Example: dondoc oversight propose --count 10 --numbers rates.csv")(propose)
    oversight.command(
        "choose",
        epilog="Example: dondoc oversight choose 12 --ordered-by 'Giám đốc Sở Nội vụ' 14797 TH-STC --why 'có phản ánh'",
    )(choose)
    oversight.command("choices", epilog="Example: dondoc oversight choices --json")(list_choices)


def load(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV.")],
    kind: Annotated[Kind, typer.Option(help="What the table holds.")],
    dry_run: DryRun = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Take a table of one kind."""
    from services.intake.oversight.rows import TableError, read

    of: RecordKind = kind.value
    try:
        rows = read(of, file.read_bytes())
    except TableError as error:
        fail(f"{file}: {error}")
    if not rows:
        fail(f"{file}: no line to take")
    with client("intake", data) as intake:
        told = _send(intake, of, [row.cells for row in rows], dry_run=dry_run)
    for one in told["refused"]:
        one["line"] = rows[one.pop("at")].line
    if as_json:
        typer.echo(orjson.dumps(told).decode())
    else:
        _tell(told, file)
    if told["refused"]:
        raise typer.Exit(REFUSED_INPUT)


def _send(intake: httpx.Client, kind: str, rows: list[dict[str, Any]], **params: Any) -> dict[str, Any]:
    answer = call(lambda: intake.post(f"/v1/oversight/{kind}", params=params, content=orjson.dumps(rows)))
    told: dict[str, Any] = answer.json()
    return told


def _tell(told: dict[str, Any], file: Path) -> None:
    for id in told["added"]:
        typer.echo(f"+ {id}")
    for id, members in told["changed"].items():
        shown = "; ".join(f"{name}: {_shown(old)} -> {_shown(new)}" for name, (old, new) in members.items())
        typer.echo(f"~ {id}: {shown}" if shown else f"~ {id}")
    for one in told["refused"]:
        typer.echo(f"{file}:{one['line']}: {one['why']}", err=True)
    would = "would be " if told["dry_run"] else ""
    counts = f"{len(told['added'])} {would}added, {len(told['changed'])} {would}changed, {told['same']} as they were"
    typer.echo(f"{file}: {counts}, {len(told['refused'])} refused")


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)


def list_records(
    kind: Annotated[Kind, typer.Argument(help="Which records.")], as_json: AsJson = False, data: Data = None
) -> None:
    """List the records of a kind as they are now, by id; one line each with tabs between its fields."""
    records, after = list[dict[str, Any]](), ""
    with client("intake", data) as intake:
        while page := ask(intake, f"/v1/oversight/{kind}", after=after, limit=1000):
            records += page
            after = page[-1]["id"]
    if as_json:
        typer.echo(orjson.dumps(records).decode())
        return
    for one in records:
        of = one["document"]
        fields = (one["id"], of.get("unit"), of.get("title") or of.get("text") or of.get("ref"), of.get("status"))
        typer.echo("\t".join(str(value or "-") for value in (*fields, of.get("due") or of.get("answer_due_on"))))


def _noting(status: str) -> Callable[..., None]:
    def note(
        kind: Annotated[OwedKind, typer.Argument(help="What it is; of a finding, the report on it.")],
        id: Ids,
        at: Annotated[str, typer.Option(metavar="TIME", help="When it was; a date is its beginning.")],
        evidence: Annotated[str, typer.Option(help="Where the evidence is found: a number, an address.")] = "",
        as_json: AsJson = False,
        data: Data = None,
    ) -> None:
        row = {"id": id, "status": status, "status_at": moment(at, option="--at"), "evidence": evidence}
        with client("intake", data) as intake:
            told = _send(intake, kind.value, [row], only_known=True)
        if told["refused"]:
            fail(told["refused"][0]["why"])
        if as_json:
            typer.echo(orjson.dumps(told).decode())
        else:
            typer.echo(f"{kind} {id}: {'was noted before' if told['same'] else status}")

    return note


def propose(
    count: Annotated[int, typer.Option(min=1, max=200, help="How many units.")] = 10,
    lots: Annotated[float, typer.Option(min=0, max=1, help="The share of them that is drawn by lot.")] = 0.2,
    seed: Annotated[int | None, typer.Option(min=0, help="To draw the same lots again.")] = None,
    numbers: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="CSV with unit,overdue_share,flags.")
    ] = None,
    with_overdue: Annotated[
        bool, typer.Option("--with-overdue", help="Ask the deadline service for each unit's share of overdue dossiers.")
    ] = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Propose units for surprise checks by a score whose points all have reasons, and some drawn by lot.

    The proposal is kept under a number, which `dondoc oversight choose` names.
    """
    given = _overdue_shares(data) if with_overdue else {}
    for unit, of in (_numbers(numbers) if numbers else {}).items():
        given.setdefault(unit, {}).update(of)
    params = {"count": count, "lots": lots, **({} if seed is None else {"seed": seed})}
    with client("intake", data) as intake:
        body = orjson.dumps(given)
        told = call(lambda: intake.post("/v1/oversight/proposals", params=params, content=body)).json()
    if as_json:
        typer.echo(orjson.dumps(told).decode())
        return
    _tell_proposal(told)


def _tell_proposal(told: dict[str, Any]) -> None:
    typer.echo(f"proposal {told['id']}: {len(told['units'])} of {told['of']} units, seed {told['seed']}")
    for one in told["units"]:
        lot = ", bốc thăm" if one["by_lot"] else ""
        typer.echo(f"{one['score']:>6.2f}  {one['unit']}  {one['name']}{lot}")
        for reason in one["reasons"]:
            typer.echo(f"        {reason['points']:>6.2f}  {reason['words']}")
    if told["unknown_units"]:
        typer.echo(f"warning: numbers of no unit that may be checked: {', '.join(told['unknown_units'])}", err=True)


def _numbers(file: Path) -> dict[str, dict[str, float]]:
    from services.intake.oversight.rows import TableError, read_numbers

    try:
        return read_numbers(file.read_bytes())
    except TableError as error:
        fail(f"{file}: {error}")


def _overdue_shares(data: Path | None) -> dict[str, dict[str, float]]:
    """Return the share of the open dossiers that is overdue, by the code of the unit that deadline found."""
    import httpx

    open_of, late_of = Counter[str](), Counter[str]()
    try:
        with (
            client("deadline", data) as deadline,
            deadline.stream("GET", "/v1/export/obligations", timeout=None) as answer,
        ):
            if not answer.is_success:
                answer.read()
                fail(refusal(answer))
            for one in map(orjson.loads, lines_of(answer.iter_bytes())):
                if one["kind"] == "dossier" and one["state"] == "open" and one["unit_code"]:
                    open_of[one["unit_code"]] += 1
                    late_of[one["unit_code"]] += one["timing"] == "overdue"
    except httpx.TransportError as error:
        fail(f"deadline ended the answer early or does not answer ({type(error).__name__}); see `dondoc status`")
    return {unit: {"overdue_share": late_of[unit] / number} for unit, number in open_of.items()}


def choose(
    proposal: Annotated[int, typer.Argument(min=1, help="The number that `propose` told.")],
    units: Annotated[list[str], typer.Argument(metavar="UNIT…", help="Codes or names of the units to check.")],
    ordered_by: Annotated[str, typer.Option(help="Whose order it is: the post.")],
    why: Annotated[str, typer.Option(help="Why other units than those proposed.")] = "",
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Note which units are checked. What is noted is never changed."""
    body = {"proposal": proposal, "ordered_by": ordered_by, "units": units, "why": why}
    with client("intake", data) as intake:
        answer = intake.post("/v1/oversight/choices", json=body)  # not sent again: it would be noted twice
    if not answer.is_success:
        fail(refusal(answer), code=WRONG_CALL if answer.status_code in (404, 422) else 1)
    told = answer.json()
    typer.echo(orjson.dumps(told).decode() if as_json else f"choice {told['id']}: {', '.join(told['units'])}")


def list_choices(as_json: AsJson = False, data: Data = None) -> None:
    """List the choices made, the first first, each beside what was proposed."""
    choices, after = list[dict[str, Any]](), 0
    with client("intake", data) as intake:
        while page := ask(intake, "/v1/oversight/choices", after=after):
            choices += page
            after = page[-1]["id"]
    if as_json:
        typer.echo(orjson.dumps(choices).decode())
        return
    for one in choices:
        why = f"; {one['why']}" if one["why"] else ""
        typer.echo(f"{one['id']}: {one['at']} {one['ordered_by']}: {', '.join(one['units'])}{why}")
