"""What the doctor says: one finding for each thing looked at. Pure but for printing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

State = Literal["ok", "warning", "wrong", "left_out"]
SHOWN = {
    "ok": "[green]ok[/green]",
    "warning": "[yellow]warning[/yellow]",
    "wrong": "[red]wrong[/red]",
    "left_out": "[dim]left out[/dim]",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. said: what is so, without any secret. to_do: empty where nothing is to be done."""

    check: str
    state: State
    said: str
    to_do: str = ""


def ok(check: str, said: str) -> Finding:
    return Finding(check, "ok", said)


def warning(check: str, said: str, to_do: str) -> Finding:
    return Finding(check, "warning", said, to_do)


def wrong(check: str, said: str, to_do: str) -> Finding:
    return Finding(check, "wrong", said, to_do)


def left_out(check: str, said: str, to_do: str = "") -> Finding:
    """Return what could not be looked at from here, and why."""
    return Finding(check, "left_out", said, to_do)


def settled(check: str, problems: Sequence[Finding], *, good: str) -> list[Finding]:
    """Return the problems, else that the check found none."""
    return list(problems) or [ok(check, good)]


def well(findings: Sequence[Finding]) -> bool:
    """Return whether nothing is wrong; warnings and what was left out are no reason."""
    return all(finding.state != "wrong" for finding in findings)


def as_json(findings: Sequence[Finding]) -> str:
    """Return all findings as one JSON document."""
    return json.dumps({"well": well(findings), "findings": list(map(asdict, findings))}, ensure_ascii=False)


def print_table(findings: Sequence[Finding]) -> None:
    """Print the findings for people, and in the last line how many of each kind there are."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("check", "state", "found"):
        table.add_column(column, overflow="fold", no_wrap=column != "found")
    for finding in findings:
        to_do = f"\n→ {finding.to_do}" if finding.to_do else ""
        table.add_row(finding.check, SHOWN[finding.state], escape(finding.said + to_do))
    console = Console(highlight=False)
    console.print(table)
    counts = {state: sum(finding.state == state for finding in findings) for state in SHOWN}
    console.print(", ".join(f"{count} {state.replace('_', ' ')}" for state, count in counts.items() if count))
