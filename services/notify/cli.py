"""notify's part of the `dondoc` command: `export notices` and `policy check`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from shared.cli import Data, Output, call, client, exports, writing

PAGE = 500
BOM = b"\xef\xbb\xbf"  # Excel reads UTF-8 only behind it
COLUMNS = ("notice_id", "unit", "role", "channel", "slot", "status", "reason", "subject", "items", "attempts")
TIMES = ("stored_at", "sent_at", "revision")


class Format(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"


policy = typer.Typer(help="The policy file: ladders, digest slots, roles.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    exports(app).command("notices", epilog="Example: dondoc export notices --status sent > notices.ndjson")(
        export_notices
    )
    app.add_typer(policy, name="policy")


def export_notices(
    data: Data = None,
    status: Annotated[
        str | None, typer.Option("--status", help="Only stored, sent, failed, withheld or recorded ones.")
    ] = None,
    format: Annotated[Format, typer.Option(help="CSV opens in a spreadsheet.")] = Format.NDJSON,
    output: Output = None,
) -> None:
    """Write one line for each notice, the oldest slots first, with what it covers (ndjson); addresses are left out.

    Digests are made at the slots of the policy (as carried: 07:30 and 14:00 on working days);
    before the first there are none.
    """
    if status not in (None, "stored", "sent", "failed", "withheld", "recorded"):
        raise typer.BadParameter("must be stored, sent, failed, withheld or recorded", param_hint="--status")
    notices = _notices(data, status)
    with writing(output) as out:
        for part in as_ndjson(notices) if format is Format.NDJSON else as_csv(notices):
            out.write(part)


def as_ndjson(notices: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    import orjson

    for notice in notices:
        yield orjson.dumps(notice) + b"\n"


def as_csv(notices: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Yield a CSV file that opens in a spreadsheet: UTF-8 with its mark."""
    text = io.StringIO()
    rows = csv.DictWriter(text, [*COLUMNS, *TIMES], extrasaction="ignore")
    rows.writeheader()
    yield BOM + text.getvalue().encode()
    for notice in notices:
        text.seek(0)
        text.truncate()
        rows.writerow(notice)
        yield text.getvalue().encode()


def _notices(data: Path | None, status: str | None) -> Iterator[dict[str, Any]]:
    """Read notify's HTTP page by page."""
    after: str | None = ""
    with client("notify", data) as notify:
        while after is not None:
            asked = {"limit": str(PAGE), "after": after} | ({"status": status} if status else {})
            page = call(lambda: notify.get("/v1/notices", params=asked)).json()  # noqa: B023 - called at once
            yield from page["notices"]
            after = page["next"]


@policy.command("check", epilog="Example: dondoc policy check policy.yaml")
def check_policy(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A policy file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Check a policy file and show what it would do. Exit code 1: it cannot be used."""
    from services.notify.policy import PolicyError, load

    try:
        read = load(file)
    except PolicyError as error:
        typer.echo(f"dondoc: {error}", err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(read.model_dump_json())
        return
    typer.echo(f"version {read.version}: good; digests at {', '.join(f'{slot:%H:%M}' for slot in read.slots)}")
    for kind, ladder in read.ladders.items():
        near = [f"near: {ladder.near}"] if ladder.near else []
        rungs = [f"level {rung.level}: +{rung.after_working_days} working days, {rung.tell}" for rung in ladder.levels]
        typer.echo(f"{kind}: {'; '.join([*near, *rungs])}")
