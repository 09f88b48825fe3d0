"""`dondoc notify preview`: what a notice looks like."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from shared.cli import Output, writing

EXAMPLE = "Example: dondoc notify preview --kind weekly --output weekly.html"


class What(StrEnum):
    DIGEST = "digest"
    SMS = "sms"
    WEEKLY = "weekly"


def preview(
    kind: Annotated[What, typer.Option(help="Which notice.")] = What.DIGEST,
    unit: Annotated[str, typer.Option("--unit", help="Code of the unit it is for; its name stays a sample's.")] = "",
    policy: Annotated[
        Path | None, typer.Option("--policy", exists=True, dir_okay=False, help="A policy file; else the carried one.")
    ] = None,
    output: Output = None,
) -> None:
    """Show a notice made from samples; needs no running stack. A file that ends in .html gets the HTML."""
    from services.notify.policies.file import load
    from services.notify.telling import preview as samples
    from shared.clock import machine_now
    from shared.rule_files import RuleFileError
    from shared.worktime import vietnam

    try:
        rules = load(policy).at(machine_now())
    except RuleFileError as error:
        typer.echo(f"dondoc: {error}", err=True)
        raise typer.Exit(1) from None
    made = samples.preview(kind.value, unit=unit or samples.CODE, policy=rules, calendar=vietnam(), at=machine_now())
    html = output is not None and output.suffix == ".html"
    if html and not made.html:
        raise typer.BadParameter("an SMS has no HTML; name a file that ends in .txt", param_hint="--output")
    shown = made.html if html else f"{made.subject}\n\n{made.text}" if made.subject else f"{made.text}\n"
    with writing(output) as out:
        out.write(shown.encode())
