"""`dondoc audit`: write the log out, and prove that it is whole. What is proved is proved here, not by the service."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from shared.chain import FIELDS, Examination, Head
from shared.cli import AsJson, Data, Output, ask, call, client, fail, lines_of, reading, writing

if TYPE_CHECKING:
    import httpx

PAGE = 10_000
ROW = (*FIELDS, "hash")

Start = Annotated[int, typer.Option("--from", min=1, metavar="N", help="Begin at row N, trusting the hash before it.")]

audit = typer.Typer(help="The log of what was said, acknowledged and changed.", no_args_is_help=True)


@audit.command(epilog="Example: dondoc audit export --output audit.ndjson")
def export(data: Data = None, start: Start = 1, output: Output = None) -> None:
    """Write one JSON line for each row, in order; `dondoc audit verify --file` examines such a file anywhere."""
    with client("notify", data) as notify, writing(output) as out:
        for page in _pages(notify, after=start - 1):
            out.write(page)


@audit.command(epilog="Example: dondoc audit verify --anchor 3f0c…e1 (hash of an audit_anchor line in notify's log)")
def verify(
    data: Data = None,
    start: Start = 1,
    anchor: Annotated[
        str | None, typer.Option("--anchor", metavar="HASH", help="A hash written down earlier; a row must have it.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", exists=True, dir_okay=False, help="Examine an exported file instead.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Examine every row. Exit code 1: the log is not what was written; the first row that is wrong is named."""
    noted = _hash(anchor)
    if file:
        with reading(file) as source:
            examined = _examine(_in_parts(source), start=start, anchor=noted)
        examined.end(examined.at)
    else:
        with client("notify", data) as notify:
            newest = ask(notify, "/v1/audit/head")
            head = Head(newest["seq"], bytes.fromhex(newest["hash"]))
            if start > head.seq + 1:
                fail(f"there are only {head.seq} rows")
            pages = _pages(notify, after=max(start - 2, 0))
            examined = _examine(map(_rows, pages), start=start, anchor=noted, until=head.seq)
            examined.end(head)
    if as_json:
        typer.echo(orjson.dumps(_told(examined)).decode())
    elif not examined.broken:
        typer.echo(f"whole up to row {examined.at.seq}, hash {examined.at.hash.hex()}")
        if examined.anchored is not None:
            typer.echo(f"the anchor is row {examined.anchored}")
    if examined.broken:
        fail(f"the audit is broken: {examined.broken}")


def _hash(text: str | None) -> bytes | None:
    try:
        found = bytes.fromhex(text) if text is not None else None
    except ValueError:
        found = b""
    if found is not None and len(found) != 32:
        raise typer.BadParameter("must be 64 hexadecimal digits", param_hint="--anchor")
    return found


def _examine(
    parts: Iterator[list[dict[str, Any]]], *, start: int, anchor: bytes | None, until: int | None = None
) -> Examination:
    """Read rows until the end, row `until`, or the first that is wrong."""
    examined = Examination(anchor=anchor)
    for rows in parts:
        taken = [row for row in rows if until is None or row["seq"] <= until]
        if start > 1 and not examined.at.seq:
            taken = [row for row in taken if row["seq"] >= start - 1]
            if taken and taken[0]["seq"] == start - 1:
                examined = Examination(Head(start - 1, bytes.fromhex(taken.pop(0)["hash"])), anchor)
        if not examined.take(taken) or (until is not None and examined.at.seq >= until):
            break
    return examined


def _told(examined: Examination) -> dict[str, Any]:
    return {
        "whole": examined.broken is None,
        "rows": examined.at.seq,
        "hash": examined.at.hash.hex(),
        "anchored": examined.anchored,
        "broken": examined.broken,
    }


def _pages(notify: httpx.Client, *, after: int) -> Iterator[bytes]:
    """Read the log page by page, as lines."""
    while True:
        asked = {"after": str(after), "limit": str(PAGE)}
        page = call(partial(notify.get, "/v1/audit", params=asked)).content
        if not page:
            return
        yield page
        after = int(orjson.loads(page[page.rstrip(b"\n").rfind(b"\n") + 1 :])["seq"])


def _rows(page: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = orjson.loads(b"[" + page.rstrip(b"\n").replace(b"\n", b",") + b"]")
    return rows


def _in_parts(source: Any) -> Iterator[list[dict[str, Any]]]:
    part: list[dict[str, Any]] = []
    for number, line in enumerate(lines_of(source), start=1):
        try:
            row = orjson.loads(line)
            if not set(ROW) <= row.keys():
                raise KeyError
        except (orjson.JSONDecodeError, AttributeError, KeyError):
            fail(f"line {number} of the file is no row of an audit; write it with `dondoc audit export`")
        part.append(row)
        if len(part) == PAGE:
            yield part
            part = []
    yield part
