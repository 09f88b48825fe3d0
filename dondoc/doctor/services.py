"""The services: do they answer, are they ready, what waits in quarantine, do they run under the settings seen here."""

from __future__ import annotations

import os

from dondoc.doctor.findings import Finding, left_out, settled, warning
from dondoc.doctor.place import Place
from dondoc.stack import status
from dondoc.stack.errors import StackError
from dondoc.stack.layout import SERVICES

MODE = "DONDOC_NOTIFY_SEND"


async def examine(place: Place) -> list[Finding]:
    """Ask each service how it is, as `dondoc status` does."""
    stack = place.whole()
    if stack is None:
        return [left_out("services", place.without("NATS"))]
    try:
        answers = await status.ask_all(stack)
    except StackError as error:  # NATS does not answer, or not to this login
        return [left_out("services", str(error))]
    if place.stack is None and not any(answers.values()):
        return [left_out("services", "none answers: they are not started yet, or this log-in may not ask them")]
    mode = os.environ.get(MODE, "record") if place.knows("notify") else None
    return [*judge_ready(answers), *judge_quarantine(answers), *judge_mode(answers, mode)]


def judge_ready(answers: status.Answers) -> list[Finding]:
    """Return which services do not work now; that can pass by itself, so it is a warning."""
    problems = []
    for service in SERVICES:
        answer = answers.get(service)
        if answer is None or not answer.get("ready"):
            said = f"{service} {'does not answer' if answer is None else 'is not ready'}"
            problems.append(warning("services", said, f"look at the end of its log: {service}.log, or `docker logs`"))
    return settled("services", problems, good="all five are ready")


def judge_quarantine(answers: status.Answers) -> list[Finding]:
    """Return where something waits that was not understood."""
    filled = {service: answer["quarantine"] for service, answer in answers.items() if answer and answer["quarantine"]}
    problems = [
        warning("quarantine", f"{count} entries of {service}", "`dondoc quarantine list` says why; mend the source")
        for service, count in filled.items()
    ]
    return settled("quarantine", problems, good="empty")


def judge_mode(answers: status.Answers, here: str | None) -> list[Finding]:
    """Compare the mode that notify runs in with the settings seen here: then the rest was judged by wrong ones."""
    counts = (answers.get("notify") or {}).get("counts") or {}
    modes, chosen = counts.get("mode") or {}, "chosen" in (counts.get("sending") or {})
    if here is None or not modes or here in modes or chosen:  # chosen: by `dondoc notify mode`, whatever settings say
        return []
    said = f"notify runs in mode {', '.join(modes)}, and {MODE} is {here} here"
    return [warning("services", said, "ask with the settings that the services run with: `set -a; . ./.env; set +a`")]
