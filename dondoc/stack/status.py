"""Ask each service how it is, over NATS, and say so in a table or in JSON."""

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dondoc.stack.errors import StackError
from dondoc.stack.layout import SERVICES
from dondoc.stack.nats import client
from dondoc.stack.running import Running

if TYPE_CHECKING:
    from nats.aio.client import Client

ANSWER_S = 2
ROUND_S = 0.3
ASKING_ORDER = ("intake", "complaints", "deadline", "notify", "console")  # downstream last: work moves that way

Answer = dict[str, Any]  # what a service says of itself
Answers = Mapping[str, Answer | None]  # None: it did not answer


async def ask_all(stack: Running) -> dict[str, Answer | None]:
    """Ask every service once.

    raises: StackError - NATS does not answer.
    """
    async with _connected(stack) as connection:
        answers = await asyncio.gather(*(_ask(connection, service) for service in ASKING_ORDER))
        return dict(zip(ASKING_ORDER, answers, strict=True))


async def wait_idle(stack: Running, within_s: float) -> tuple[bool, dict[str, Answer | None]]:
    """Ask in rounds until two in a row find nothing in flight and the same counts.

    returns: whether that was reached in time, and the last answers.
    """
    until = time.monotonic() + within_s
    async with _connected(stack) as connection:
        before: dict[str, Answer | None] = {}
        while True:
            answers = {service: await _ask(connection, service) for service in ASKING_ORDER}
            if not busy(answers) and not busy(before) and _counts(answers) == _counts(before):
                return True, answers
            if time.monotonic() > until:
                return False, answers
            before = answers
            await asyncio.sleep(ROUND_S)


@contextlib.asynccontextmanager
async def _connected(stack: Running) -> "AsyncIterator[Client]":
    import nats

    from shared.login import NotEncryptedError

    async def quiet(_: Exception) -> None:
        """The error is told once, below."""

    if (user := urlsplit(stack.nats_url).username) in SERVICES:
        raise StackError(
            f"{user} may not ask the other services: use the operator's login (`docker-compose run dondoc`)"
        )
    options = {"connect_timeout": ANSWER_S, "allow_reconnect": False, "max_reconnect_attempts": 1}
    try:
        async with client(stack, error_cb=quiet, **options) as connection:
            yield connection
    except (ssl.SSLError, NotEncryptedError) as error:
        raise StackError(f"NATS at {_place(stack)} cannot be trusted: {error}; see DONDOC_NATS_CA") from None
    except (OSError, TimeoutError, nats.errors.Error):
        raise StackError(f"NATS does not answer at {_place(stack)}; is the stack running?") from None


def _place(stack: Running) -> str:
    at = urlsplit(stack.nats_url)
    return f"{at.hostname}:{at.port}"


async def _ask(connection: Any, service: str) -> Answer | None:
    import nats

    try:
        answer = await connection.request(f"dondoc.status.{service}", b"", timeout=ANSWER_S)
        told: Answer = json.loads(answer.data)
    except (TimeoutError, nats.errors.Error, ValueError):
        return None
    return told


def well(answers: Answers) -> bool:
    """Return whether every service answers and is ready."""
    return all(answer is not None and answer.get("ready") for answer in answers.values())


def busy(answers: Answers) -> list[str]:
    """Return for each service that is not idle what it is busy with; a service never asked is busy."""
    found = []
    for service in ASKING_ORDER:
        answer = answers.get(service)
        if answer is None:
            found.append(f"{service} does not answer")
            continue
        flight = [f"{name} {lag['pending']}+{lag['unacked']}" for name, lag in _lagging(answer)]
        if answer.get("outbox"):
            flight.append(f"outbox {answer['outbox']}")
        if answer.get("busy"):
            flight.append(f"at work on {answer['busy']}")
        if flight or not answer.get("idle"):
            found.append(f"{service} ({', '.join(flight) or 'working'})")
    return found


def _lagging(answer: Answer) -> list[tuple[str, dict[str, int]]]:
    consumers: dict[str, dict[str, int]] = answer.get("consumers", {})
    return [(name, lag) for name, lag in consumers.items() if lag["pending"] or lag["unacked"]]


def _counts(answers: Answers) -> dict[str, Any]:
    return {service: (answer or {}).get("counts") for service, answer in answers.items()}


def as_json(stack: Running, answers: Answers) -> str:
    """Return the state of the stack as one JSON document."""
    programs = {name: vars(program) for name, program in stack.programs.items()}
    services = {service: answers.get(service) for service in SERVICES}
    return json.dumps({"ready": well(answers), "services": services, "programs": programs}, ensure_ascii=False)


def print_table(stack: Running, answers: Answers) -> None:
    """Print the state of the stack for people."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("service", "state", "waiting", "outbox", "quarantine", "restarts"):
        table.add_column(column, justify="right" if column in ("outbox", "quarantine", "restarts") else "left")
    for service in SERVICES:
        table.add_row(*_row(service, stack, answers.get(service)))
    console.print(table)
    for service, answer in answers.items():
        for group, named in (answer or {}).get("counts", {}).items():
            if named:
                of_one = group in ("mode", "sending")  # words, each counted as 1
                told = ", ".join(name if of_one else f"{name} {count}" for name, count in named.items())
                console.print(f"{service}  {group}: {told}", highlight=False, soft_wrap=True)


def _row(service: str, stack: Running, answer: Answer | None) -> tuple[str, ...]:
    program = stack.programs.get(service)
    restarts = str(program.restarts) if program else "-"
    if answer is None:
        why = f"down (exit {program.last_exit})" if program and not program.pid else "down"
        return service, f"[red]{why}[/red]", "-", "-", "-", restarts
    why = "; ".join(f"{what} {how}" for what, how in answer.get("missing", {}).items())
    state = "[green]ready[/green]" if answer.get("ready") else f"[yellow]not ready{why and f': {why}'}[/yellow]"
    waiting = "\n".join(f"{name} {lag['pending']}+{lag['unacked']}" for name, lag in _lagging(answer)) or "0"
    return service, state, waiting, str(answer["outbox"]), str(answer["quarantine"]), restarts
