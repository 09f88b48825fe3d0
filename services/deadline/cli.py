"""Deadline's part of the `dondoc` command: the export of obligations."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import orjson
import typer

from shared.cli import Data, Output, client, exports, fail, refusal, writing
from shared.clock import PROVINCE_ZONE

EXAMPLE = "Example: dondoc export obligations --as-of 2026-11-20T17:00:00+07:00 --format csv --output obligations.csv"
BOM = b"\xef\xbb\xbf"  # Excel reads UTF-8 only behind it
FORMULA_STARTS = ("=", "+", "-", "@", "\t")  # a spreadsheet would run what begins so


class Format(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    """Add deadline's commands to the `dondoc` command line."""
    exports(app).command("obligations", epilog=EXAMPLE)(export_obligations)


def export_obligations(
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="TIME", help="The world then; without an offset, Vietnamese time.")
    ] = None,
    format: Annotated[Format, typer.Option(help="CSV opens in a spreadsheet.")] = Format.NDJSON,
    output: Output = None,
    data: Data = None,
) -> None:
    """Write one line for each obligation, with `timing` as of now or of --as-of."""
    import httpx

    query = {"as_of": moment(as_of)} if as_of else {}
    try:
        with (
            client("deadline", data) as deadline,
            deadline.stream("GET", "/v1/export/obligations", params=query, timeout=None) as answer,
        ):
            if not answer.is_success:
                answer.read()
                fail(refusal(answer))
            with writing(output) as out:
                for part in answer.iter_bytes() if format is Format.NDJSON else as_csv(_lines(answer.iter_bytes())):
                    out.write(part)
    except httpx.TransportError as error:
        fail(f"deadline ended the answer early or does not answer ({type(error).__name__}); see `dondoc status`")


def moment(text: str) -> str:
    """Return a time with its offset. raises: typer.BadParameter - it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is not a time like 2026-11-20T17:00:00+07:00", param_hint="--as-of") from None
    return (at if at.tzinfo else at.replace(tzinfo=PROVINCE_ZONE)).isoformat()


def _lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of an answer, split at line feeds alone: texts may hold other separators."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        yield from whole


def as_csv(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a CSV file that opens in a spreadsheet: UTF-8 with its mark, flags joined by spaces."""
    from shared.events import Obligation  # here, as it takes half a second that no other command needs to wait

    text = io.StringIO()
    rows = csv.DictWriter(text, list(Obligation.__annotations__), extrasaction="ignore")
    rows.writeheader()
    yield BOM + text.getvalue().encode()
    for line in lines:
        text.seek(0)
        text.truncate()
        rows.writerow({name: _cell(value) for name, value in orjson.loads(line).items()})
        yield text.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
