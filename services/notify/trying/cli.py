"""`dondoc policy`: whether a policy file can be used, and what it would have done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared import sheets
from shared.cli import AsJson, Data, Output, client, fail, lines_of, moment, refusal, writing
from shared.cli_jobs import progress

if TYPE_CHECKING:
    import httpx

    from services.notify.policies.parts import Repeat
    from services.notify.policies.policy import Ladder, Level, Near, Policy

policy = typer.Typer(help="The policy file: ladders, digest slots, roles.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A policy file.")]


@policy.command("check", epilog="Example: dondoc policy check policy.yaml")
def check_policy(file: File, as_json: AsJson = False) -> None:
    """Check a policy file and show what it would do; each fault is named with its line, and so is what looks odd.

    Exit code 1: it cannot be used. What is only odd is no reason for that.
    """
    import json

    from services.notify.policies.file import load
    from services.notify.policies.odd import odd
    from shared.rule_files import RuleFileError

    try:
        read = load(file)
    except RuleFileError as error:
        if as_json:
            typer.echo(json.dumps({"usable": False, "faults": [one._asdict() for one in error.faults]}))
        else:
            for fault in error.faults:
                typer.echo(f"{file}: {fault}", err=True)
            number = "1 fault" if len(error.faults) == 1 else f"{len(error.faults)} faults"
            typer.echo(f"dondoc: {file} cannot be used: {number}, named above", err=True)
        raise typer.Exit(1) from None
    warnings = odd(read)
    if as_json:
        policies: list[Any] = [one.model_dump(mode="json") | {"fingerprint": one.fingerprint} for one in read.several]
        found = {"usable": True, "warnings": [one._asdict() for one in warnings], "policies": policies}
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for warning in warnings:
        typer.echo(f"{file}: {warning} (odd, not wrong)", err=True)
    for one in read.several:
        _show(one)


@policy.command(
    "dry-run",
    epilog="Example: dondoc policy dry-run policy.yaml --from 2026-11-01 --to 2026-11-22 --output trial.csv",
)
def dry_run(
    file: File,
    since: Annotated[str, typer.Option("--from", help="From then on, such as 2026-11-01 or with a time.")],
    until: Annotated[str, typer.Option("--to", help="Up to then, not included.")],
    as_json: AsJson = False,
    output: Output = None,
    data: Data = None,
) -> None:
    """Say who would have got what under a policy over past weeks, beside the present one; changes nothing.

    --output writes a CSV file with a row for each notice of both policies. --json prints all of it, rows too.
    """
    import json

    asked = {
        "policy": file.read_text("utf-8-sig", errors="replace"),
        "from": moment(since, option="--from"),
        "to": moment(until, option="--to"),
    }
    with client("notify", data) as notify, _rows_file(output) as write:
        kept: list[dict[str, Any]] = []
        report = trial(notify, asked, row=write if output else kept.append if as_json else None)
    if as_json:
        typer.echo(json.dumps({"rows": kept, **report} if not output else report, ensure_ascii=False))
        return
    from services.notify.trying.report import text

    typer.echo(text(report))


def trial(
    notify: httpx.Client, asked: dict[str, Any], *, row: Callable[[dict[str, Any]], object] | None
) -> dict[str, Any]:
    """Return the report of a dry run. row: is given each notice of both policies."""
    import httpx
    import orjson

    report: dict[str, Any] = {}
    try:
        with (
            notify.stream("POST", "/v1/policy/dry-runs", json=asked, timeout=None) as answer,
            progress("reading what happened") as bar,
        ):
            if not answer.is_success:
                answer.read()
                fail(refusal(answer), code=2 if answer.status_code == 422 else 1)
            for line in lines_of(answer.iter_bytes()):
                said = orjson.loads(line)
                if "row" in said and row:
                    row(said["row"])
                elif "read" in said:
                    bar(done=said["read"], total=said["of"])
                report = said.get("report", report)
    except httpx.TransportError as error:
        fail(f"notify ended the answer early or does not answer ({type(error).__name__}); see `dondoc status`")
    return report or fail("notify ended the answer early; see its log")


COLUMNS = ("policy", "at", "post", "role", "channels", "reached", "items", "new", "changed", "repeated", "settled")
MORE_COLUMNS = ("near", "elsewhere", "levels", "first")


@contextmanager
def _rows_file(output: Path | None) -> Iterator[Callable[[dict[str, Any]], object]]:
    """Give what writes one notice into a CSV file."""
    if output is None:
        yield lambda _: None
        return
    names = (*COLUMNS, *MORE_COLUMNS)
    with writing(output) as out:
        out.write(sheets.head(names))
        yield lambda row: out.write(sheets.line(_cell(row[name]) for name in names))


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {number}" for key, number in value.items())
    return "; ".join(value) if isinstance(value, list) else value


def _show(policy: Policy) -> None:
    since = f", in force from {policy.valid_from}" if policy.valid_from else ""
    slots = ", ".join(f"{slot:%H:%M}" for slot in policy.slots)
    typer.echo(f"version {policy.version}: good{since}; digests at {slots}")
    for kind, several in policy.ladders.items():
        for ladder in several:
            typer.echo(f"{kind}{_where(ladder)}: {'; '.join(_rungs(ladder))}")


def _where(ladder: Ladder) -> str:
    if ladder.where is None:
        return ""
    named = (("part", ladder.where.part), ("field", ladder.where.field), ("source", ladder.where.source))
    return " ({})".format("; ".join(f"{name} {', '.join(words)}" for name, words in named if words))


def _rungs(ladder: Ladder) -> list[str]:
    from services.notify.policies.parts import counted

    said = []
    if ladder.near:
        before = f"{ladder.near.before} before" if ladder.near.before else "as deadline says"
        said.append(f"near: {before}, {_told(ladder.near)}")
    for rung in ladder.levels:
        repeat = ladder.repeat_of(rung.level)
        again = f", again {_often(repeat)}" if repeat else ""
        said.append(f"level {rung.level}: +{rung.after}, {_told(rung)}{again}")
    if ladder.stop:
        said.append(f"rests after {counted(ladder.stop.after_working_days, 'working day')}")
    return said


def _often(repeat: Repeat) -> str:
    from services.notify.policies.parts import counted

    days = counted(repeat.every_working_days, "working day")
    every = "every working day" if repeat.every_working_days == 1 else f"every {days}"
    return f"{every}, {counted(repeat.at_most, 'time')}"


def _told(rung: Near | Level) -> str:
    return f"{' and '.join(rung.tell)}, by {' and '.join(rung.by)}" + (", at once" if rung.at_once else "")
