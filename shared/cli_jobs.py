"""What commands share that start a job in a service: waiting for it with a progress bar, and looking before."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from shared.cli import call, fail, refusal

if TYPE_CHECKING:
    import httpx

LOOK_EVERY_S = 0.5
BEGINS_WITHIN_S = 60  # a job that follows from an announcement


class Bar(Protocol):
    def __call__(self, *, done: int, total: int) -> None: ...


@contextmanager
def progress(what: str) -> Iterator[Bar]:
    """Give a bar on stderr; where that is no terminal, nothing is drawn."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as shown:
        task = shown.add_task(what, total=None)

        def move(*, done: int, total: int) -> None:
            shown.update(task, completed=done, total=total or None)

        yield move


def wait_for(deadline: httpx.Client, id: int, *, what: str) -> dict[str, Any]:
    """Wait until a job is finished, and return it."""
    with progress(what) as bar:
        while True:
            job: dict[str, Any] = call(lambda: deadline.get(f"/v1/jobs/{id}")).json()
            if job["finished_at"]:
                return job
            bar(done=job["done"], total=job["total"])
            time.sleep(LOOK_EVERY_S)


def newest_recalculation(deadline: httpx.Client) -> int:
    """Return the id of the newest walk over open obligations, 0 where there was none."""
    known = call(lambda: deadline.get("/v1/jobs", params={"act": "recalculate"})).json()
    return max((job["id"] for job in known), default=0)


def recalculation_after(deadline: httpx.Client, before: int) -> dict[str, Any] | None:
    """Wait for the walk that an announcement caused, and return it finished; None where none began in time.

    One that was waiting already takes the announcement on, so all that are unfinished are waited for.
    """
    for _ in range(round(BEGINS_WITHIN_S / LOOK_EVERY_S)):
        known = call(lambda: deadline.get("/v1/jobs", params={"act": "recalculate"})).json()
        if mine := sorted(job["id"] for job in known if job["id"] > before or not job["finished_at"]):
            return [wait_for(deadline, id, what="reckoning open obligations anew") for id in mine][-1]
        time.sleep(LOOK_EVERY_S)
    return None


def reckon(deadline: httpx.Client, before: int) -> str:
    """Wait for the walk that an announcement caused, and return what it did."""
    if job := recalculation_after(deadline, before):
        return f"{job['done']} open matters looked at, {job['changed']} due times moved"
    return "the open obligations are not reckoned yet; `dondoc status` tells when deadline is idle"


def forecast(deadline: httpx.Client, change: dict[str, Any]) -> dict[str, Any]:
    """Return what a change of reference data would do, once every open obligation was looked at."""
    import httpx

    report: dict[str, Any] = {}
    try:
        with deadline.stream("POST", "/v1/forecast", json=change, timeout=None) as answer, progress("looking") as bar:
            if not answer.is_success:
                answer.read()
                fail(refusal(answer))
            for line in answer.iter_lines():
                report = orjson.loads(line)
                bar(done=report["checked"], total=report["open"])
    except httpx.TransportError as error:
        fail(f"deadline ended the answer early or does not answer ({type(error).__name__}); see `dondoc status`")
    return report


def report_text(report: dict[str, Any]) -> str:
    """Return a forecast in a few lines."""
    lines = [
        f"{report['checked']} open matters looked at: {report['moved']} due times would move, "
        f"{report['later']} later and {report['earlier']} earlier (the rest: ours beside the source's)",
        f"overdue now and then no more: {report['withdrawn']}; overdue only then: {report['overdue']}",
        *(f"  {number:>7}  {unit}" for unit, number in report["by_unit"].items()),
    ]
    for one in report["examples"][:5]:
        now, then = (one[f"computed_due_at_{when}"] or "none" for when in ("now", "then"))
        lines.append(f"  e.g. {one['obligation_id']}: reckoned {now} -> {then}")
    return "\n".join(lines)
