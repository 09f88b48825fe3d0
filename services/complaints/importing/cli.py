"""`dondoc complaints import`: the hotline's calls, from a table."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from services.complaints.importing import table
from shared import sheets
from shared.cli import REFUSED_INPUT, AsJson, Data, DryRun, call, client, fail
from shared.cli_jobs import progress

if TYPE_CHECKING:
    import httpx

TOGETHER = 200  # lines of one call
EXAMPLE = "Example: dondoc complaints import cuoc-goi.xlsx --secrets bao-cho-nguoi-goi.csv"
HELP = """Take feedback from a table: CSV in UTF-8 (, ; or a tab between cells) or XLSX. The first line names the
columns, in any order, in English or Vietnamese. Needed are

\b
ref            số cuộc gọi    number of the call: a line comes in once by it
text           nội dung       what was said

\b
and where known
unit           đơn vị         whom it is about
place          địa điểm
dossier        mã hồ sơ
name           họ tên
contact        liên hệ
address        địa chỉ
hide_identity  giữ bí mật     có or không
anonymous      ẩn danh        có or không
kind           loại           phản ánh, kiến nghị, khiếu nại, tố cáo
filed_at       thời gian      local time, 20/11/2026 09:30; else now

Exit code 3: some lines were refused, each told with its number and why; the others are taken. Send the file again once
they are put right: what was taken before is not taken twice.
"""


class Source(StrEnum):
    HOTLINE = "hotline"
    DESK = "desk"


def import_table(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV or XLSX.")],
    source: Annotated[Source, typer.Option(help="From where: calls, or what was written down at a desk.")] = (
        Source.HOTLINE
    ),
    secrets: Annotated[
        Path | None,
        typer.Option(help="Add number and secret of each to this CSV, which only you can read, to tell the callers."),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Take feedback from a table."""
    if dry_run and secrets:
        raise typer.BadParameter("a dry run files nothing, so there is no secret to write", param_hint="--secrets")
    try:
        lines = table.read(file.read_bytes())
    except table.TableError as error:
        fail(f"{file}: {error}", code=2)
    if not lines:
        fail(f"{file}: no line to take")
    params = {"source": source.value, "dry_run": dry_run, "secrets": secrets is not None}
    told: dict[str, Any] = {"dry_run": dry_run, "filed": [], "known": [], "refused": []}
    with client("complaints", data) as complaints, _secrets(secrets) as keep:
        for answer in _sent(complaints, lines, params):
            if keep:
                _keep(keep, answer["filed"])
            for name in ("filed", "known", "refused"):
                told[name] += answer[name]
    typer.echo(json.dumps(told, ensure_ascii=False)) if as_json else _tell(told, file, secrets)
    if told["refused"]:
        raise typer.Exit(REFUSED_INPUT)


def _sent(complaints: httpx.Client, lines: Sequence[table.Line], params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what became of each part of a table, with the numbers of its lines in the whole."""
    numbers: dict[str, int] = {}
    with progress("lines") as bar:
        for at in range(0, len(lines), TOGETHER):
            part = lines[at : at + TOGETHER]
            fine = [line for line in part if line.cells and _is_first(line, numbers) and not line.wrong]
            answer: dict[str, Any] = {"filed": [], "known": [], "refused": []}
            if fine:
                content, headers = table.as_csv(fine), {"Content-Type": "text/csv"}
                answer = call(
                    lambda content=content, headers=headers: complaints.post(  # type: ignore[misc]
                        "/v1/complaints/table", params=params, content=content, headers=headers
                    )
                ).json()
            for name in ("filed", "known", "refused"):
                for one in answer[name]:
                    one["line"] = fine[one["line"] - 2].number
            answer["refused"] += [_refused(line, numbers) for line in part if line not in fine]
            answer["refused"].sort(key=lambda one: one["line"])
            yield answer
            bar(done=min(at + TOGETHER, len(lines)), total=len(lines))


def _is_first(line: table.Line, numbers: dict[str, int]) -> bool:
    """Return whether no line before has its number."""
    return numbers.setdefault(line.cells.get("ref", ""), line.number) == line.number or not line.cells.get("ref")


def _refused(line: table.Line, numbers: dict[str, int]) -> dict[str, Any]:
    same = numbers.get(line.cells.get("ref", ""))
    return {"line": line.number, "why": line.wrong or f"ref: line {same} has the same"}


@contextmanager
def _secrets(path: Path | None) -> Iterator[IO[bytes] | None]:
    """Give the file of secrets, to be added to; nobody but its owner can read it."""
    if path is None:
        yield None
        return
    try:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
        os.fchmod(file.fileno(), 0o600)
    except OSError as error:
        raise typer.BadParameter(f"cannot write {path}: {error.strerror}", param_hint="--secrets") from None
    with file:
        if not file.tell():
            file.write(sheets.head(("ref", "code", "secret")))
        yield file


def _keep(file: IO[bytes], filed: Sequence[dict[str, Any]]) -> None:
    """Write secrets before anything else is sent: they are shown once. They are told by the file alone."""
    for one in filed:
        file.write(sheets.line((one["ref"], one["code"], one.pop("secret"))))
    file.flush()
    os.fsync(file.fileno())


def _tell(told: dict[str, Any], file: Path, secrets: Path | None) -> None:
    for one in told["filed"]:
        typer.echo(f"{one['ref']}: {one['code'] or 'would be filed'}")
    for one in told["known"]:
        typer.echo(f"{one['ref']}: {one['code']} (filed before)")
    for one in told["refused"]:
        typer.echo(f"{file}: line {one['line']}: {one['why']}", err=True)
    verb = "would be filed" if told["dry_run"] else "filed"
    typer.echo(f"{len(told['filed'])} {verb}, {len(told['known'])} known, {len(told['refused'])} refused", err=True)
    if secrets and told["filed"]:
        typer.echo(f"their secrets are in {secrets}: tell each caller the own one, then delete the file", err=True)
