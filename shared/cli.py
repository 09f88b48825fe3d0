"""What the services' parts of the `dondoc` command share: finding the stack, calling a service, failing in one line."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from shared.clock import PROVINCE_ZONE, monotonic_s

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
REFUSED_INPUT = 3  # exit code: some input lines were refused, the rest was done
PATIENCE_S = 120  # a service that is being started again is back long before
PAUSES_S = (0.2, 0.5, 1, 2, 5)  # the last repeats
CALL_S = 60
SERVICES = ("intake", "deadline", "complaints", "notify", "console")

Data = Annotated[Path | None, typer.Option("--data", help="Data directory (else DONDOC_DATA, else ./var).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")]
Output = Annotated[Path | None, typer.Option("--output", help="Write here instead of to the standard output.")]


def fail(message: str, *, code: int = 1) -> NoReturn:
    """End the command with one line on stderr that says what to do."""
    sys.stderr.write(f"dondoc: {message}\n")
    raise typer.Exit(code)


def group(app: typer.Typer, name: str, *, about: str) -> typer.Typer:
    """Return the command group `name`, made by whichever service asks for it first."""
    for known in app.registered_groups:
        if known.name == name and known.typer_instance is not None:
            return known.typer_instance
    made = typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(made, name=name)
    return made


def exports(app: typer.Typer) -> typer.Typer:
    """Return the group `dondoc export`, to which several services add."""
    return group(app, "export", about="Write what the services know, one line for each thing.")


def client(service: str, data: Path | None) -> httpx.Client:
    """Return an HTTP client of one service of the stack.

    The stack is that of `data`, DONDOC_DATA or ./var; else the environment's DONDOC_<SERVICE>_URL and DONDOC_API_KEY.
    """
    import httpx

    from shared.secrets import KEY_HEADER

    found = _address(service, data)
    if found is None:
        where, variable = _where(data), _variable(service)
        fail(f"no stack is running on {where}: start one with `dondoc up`, name another with --data, or set {variable}")
    return httpx.Client(base_url=found[0], headers={KEY_HEADER: found[1]}, timeout=CALL_S)


def has_address(service: str, data: Path | None) -> bool:
    """Return whether `client` would find the service."""
    return _address(service, data) is not None


def _where(data: Path | None) -> Path:
    return (data or Path(os.environ.get("DONDOC_DATA") or "var")).expanduser().absolute()


def _variable(service: str) -> str:
    return f"DONDOC_{service.upper()}_URL"


def _address(service: str, data: Path | None) -> tuple[str, str] | None:
    """Return where a service is and the key it wants, None where that is not known."""
    if told := _told(_where(data)):
        return told["http_urls"][service], told["api_key"]
    url = os.environ.get(_variable(service)) if data is None else None
    return (url, os.environ.get("DONDOC_API_KEY", "")) if url else None


def _told(where: Path) -> dict[str, Any] | None:
    """Return what the stack on `where` wrote down, None where none runs there."""
    try:
        told: dict[str, Any] = json.loads((where / "stack.json").read_text())
        os.kill(told["supervisor"], 0)
    except PermissionError:  # another user's stack runs there
        return told
    except (OSError, ValueError, KeyError):
        return None
    return told


def call(send: Callable[[], httpx.Response], *, busy_s: float = PATIENCE_S) -> httpx.Response:
    """Call a service, again while it does not answer or asks for patience; ends the command on any other refusal.

    send: must be harmless to repeat. busy_s: for how long it may answer that it has too much to do.
    """
    import httpx

    began_s = monotonic_s()
    until, attempt = began_s + PATIENCE_S, 0
    while True:
        pause = PAUSES_S[min(attempt, len(PAUSES_S) - 1)]
        try:
            answer = send()
            if answer.status_code not in (429, 502, 503, 504):
                return answer if answer.is_success else fail(refusal(answer), code=_fault(answer))
            if answer.status_code == 429:  # it is well
                until = min(monotonic_s() + PATIENCE_S, began_s + busy_s)
            wrong = refusal(answer)
            pause = max(pause, float(answer.headers.get("Retry-After", 0)))
        except httpx.TransportError as error:
            wrong = f"the service does not answer ({type(error).__name__}); see `dondoc status`"
        if monotonic_s() + pause > until:
            fail(wrong)
        attempt += 1
        time.sleep(pause)


def ask(service: httpx.Client, path: str, **params: str | int) -> Any:
    """Return what a service tells at `path`; waits and ends the command as `call`."""
    return call(lambda: service.get(path, params=params)).json()


def _fault(answer: httpx.Response) -> int:
    """Return 2, a wrong call, where what was sent does not fit, else 1."""
    return 2 if answer.status_code in (400, 413, 422) else 1


def refusal(answer: httpx.Response) -> str:
    """Return in one line why a service refused a call (it answers with problem details)."""
    try:
        told = answer.json()
        places = [": ".join(filter(None, (place["at"], place["why"]))) for place in told.get("errors", ())]
        return "; ".join((told["detail"], *places))
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"the service answered {answer.status_code}"


@contextmanager
def writing(output: Path | None) -> Iterator[IO[bytes]]:
    """Give the file to write to, else the standard output; ends the command where it cannot be written."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        file = output.open("wb")
    except OSError as error:
        raise typer.BadParameter(f"cannot write {output}: {error.strerror}", param_hint="--output") from None
    with file:
        yield file


@contextmanager
def reading(file: Path | None) -> Iterator[IO[bytes]]:
    """Give the file to read from, else (also for `-`) the standard input; ends the command where it cannot be read."""
    if file is None or str(file) == "-":
        yield sys.stdin.buffer
        return
    try:
        opened = file.open("rb")
    except OSError as error:
        raise typer.BadParameter(f"cannot read {file}: {error.strerror}", param_hint="FILE") from None
    with opened:
        yield opened


def lines_of(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of an answer, split at line feeds alone: texts may hold other separators."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        yield from whole


def or_nothing(parts: Iterable[T], *, why: str) -> Iterator[T]:
    """Yield parts; where there are none, say so on stderr, so that an empty answer is not taken for a failure."""
    some = False
    for part in parts:
        some = True
        yield part
    if not some:
        sys.stderr.write(f"dondoc: nothing: {why}\n")


def moment(text: str, *, option: str) -> str:
    """Return a time with its offset. raises: typer.BadParameter - it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is not a time like 2026-11-20T17:00:00+07:00", param_hint=option) from None
    return (at if at.tzinfo else at.replace(tzinfo=PROVINCE_ZONE)).isoformat()
