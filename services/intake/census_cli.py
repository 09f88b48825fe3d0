"""`dondoc census load`: a source's own list of overdue dossiers, from a file it can export."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from shared.cli import AsJson, Data, DryRun, call, client, group, moment
from shared.clock import machine_now

COLUMN = ("mahoso", "ma_ho_so", "mã hồ sơ", "dossier", "code")
PART = 5000  # codes of one message
PARTS_AT_MOST = 100
LINES = {"Content-Type": "application/x-ndjson"}
ABOUT = """Take a source's list of overdue dossiers (CSV in UTF-8), to be compared with ours.

The column MaHoSo (also: Mã hồ sơ, dossier, code) is read, or the only one there is; the file may be empty but for its
heading, where nothing is overdue. Given again with other content it corrects the first.
"""


def register(app: typer.Typer) -> None:
    """Add `dondoc census`."""
    census = group(app, "census", about="What sources count themselves.")
    example = "dondoc census load --source motcua-1 --taken-at 2026-11-20T06:00 --open 1200 qua-han.csv"
    census.command("load", help=ABOUT, epilog=f"Example: {example}")(load)


def load(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV.")],
    source: Annotated[str, typer.Option(metavar="NAME", help="Whose census it is.")],
    taken_at: Annotated[str, typer.Option("--taken-at", metavar="TIME", help="When the list was true.")],
    open: Annotated[int | None, typer.Option("--open", min=0, help="Dossiers not ended, as the source counts.")] = None,
    ended: Annotated[int | None, typer.Option("--ended", min=0, help="Dossiers ended since --ended-from.")] = None,
    ended_from: Annotated[str | None, typer.Option("--ended-from", metavar="TIME", help="Goes with --ended.")] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Take a source's list of overdue dossiers."""
    if (ended is None) != (ended_from is None):
        raise typer.BadParameter("--ended and --ended-from go together", param_hint="--ended")
    codes = read(file)
    census: dict[str, Any] = {
        "taken_at": moment(taken_at, option="--taken-at"),
        "counts": {"overdue": len(codes), "open": open, "ended": ended},
        "ended_from": moment(ended_from, option="--ended-from") if ended_from else None,
    }
    events = _events(census, codes)
    if not dry_run:
        body = b"\n".join(map(orjson.dumps, events))
        with client("intake", data) as intake:
            call(lambda: intake.post(f"/v1/feeds/{source}/facts", content=body, headers=LINES))
    told = {"source": source, "taken_at": census["taken_at"], "overdue": len(codes), "parts": len(events)}
    if as_json:
        typer.echo(orjson.dumps({**told, "dry_run": dry_run}).decode())
    else:
        would = "would be given" if dry_run else "given; see `dondoc reconcile list`"
        typer.echo(f"{len(codes)} overdue dossiers of {source} at {told['taken_at']} {would}")


def _events(census: dict[str, Any], codes: Sequence[str]) -> list[dict[str, Any]]:
    """Return the statements that give a census, in as many parts as it needs."""
    parts = [codes[start : start + PART] for start in range(0, len(codes), PART)] or [[]]
    if len(parts) > PARTS_AT_MOST:
        raise typer.BadParameter(f"has {len(codes)} codes; at most {PART * PARTS_AT_MOST}", param_hint="FILE")
    given_at = machine_now().isoformat()  # so that a correction may be taken back
    return [
        {
            "specversion": "1.0", "id": uuid.uuid4().hex, "source": "/dondoc/census-load", "type": "dondoc.census.v1",
            "time": given_at, "data": {**census, "part": number, "parts": len(parts), "overdue": part},
        }
        for number, part in enumerate(parts, start=1)
    ]  # fmt: skip


def read(file: Path) -> list[str]:
    """Return the codes in a file, each once. raises: typer.BadParameter - no UTF-8, or no column of codes."""
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise typer.BadParameter("is no text in UTF-8", param_hint="FILE") from None
    head = text.partition("\n")[0]
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=_delimiter(head))]
    rows = [row for row in rows if any(row)]
    if not rows:
        return []
    column = _column(rows[0])
    return list(dict.fromkeys(row[column].upper() for row in rows[1:] if len(row) > column and row[column]))


def _delimiter(head: str) -> str:
    return max(",;\t", key=head.count)


def _column(names: Sequence[str]) -> int:
    found = [number for number, name in enumerate(names) if name.casefold() in COLUMN]
    if len(found) == 1:
        return found[0]
    if len(names) == 1 and not any(character.isdigit() for character in names[0]):
        return 0
    raise typer.BadParameter("its first line names no column MaHoSo", param_hint="FILE")
