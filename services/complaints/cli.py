"""complaints' part of the `dondoc` command: what a feedback may be, the rules it goes by, officers, keys."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.complaints.effects import cli as effects_cli
from services.complaints.importing import cli as importing_cli
from services.complaints.officers_cli import officers
from services.complaints.rules.cli import rules
from services.complaints.secrecy.cli import keys

if TYPE_CHECKING:
    from services.complaints.suggesting.measuring import Score
    from services.complaints.suggesting.model import Model
    from services.complaints.suggesting.suggest import Guess

complaints = typer.Typer(
    help="Citizens' feedback: what it may be, its rules, who works on it, the keys it is sealed under.",
    no_args_is_help=True,
)
complaints.add_typer(rules, name="rules")
complaints.add_typer(keys, name="keys")
complaints.add_typer(officers, name="officers")
complaints.command("import", help=importing_cli.HELP, epilog=importing_cli.EXAMPLE)(importing_cli.import_table)
complaints.command("effects", epilog=effects_cli.EXAMPLE)(effects_cli.effects)

WeightsFile = Annotated[
    Path | None, typer.Option("--weights", exists=True, dir_okay=False, help="Another file of weights.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    app.add_typer(complaints, name="complaints")


@complaints.command("suggest", epilog='Example: dondoc complaints suggest "Hồ sơ đất quá hạn hai tháng chưa trả"')
def suggest(
    text: Annotated[str, typer.Argument(help="A text as a citizen would write it.")],
    weights: WeightsFile = None,
    as_json: AsJson = False,
) -> None:
    """Say what a text may be, and which words say so. Nothing is stored."""
    from services.complaints.suggesting.suggest import suggest as suggested

    said = suggested(text, _model(weights))
    if as_json:
        import dataclasses
        import json

        typer.echo(json.dumps(dataclasses.asdict(said), ensure_ascii=False))
        return
    likeliest = () if said.likeliest == said.kind else (said.likeliest,)
    also = tuple(one for one in said.others if one != said.likeliest)
    for title, guesses in (
        ("kind", (said.kind,)), ("likeliest", likeliest), ("also", also),
        ("field", said.fields), ("category", said.categories),
    ):  # fmt: skip
        for guess in guesses:
            typer.echo(f"{title}: {_told(guess)}")


@complaints.command("measure", epilog="Example: dondoc complaints measure labelled.csv --held-out")
def measure(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV: text, kind, field, categories.")],
    held_out: Annotated[
        bool | None, typer.Option("--held-out/--development", help="Only this half of the fixed split.")
    ] = None,
    weights: WeightsFile = None,
    as_json: AsJson = False,
) -> None:
    """Print precision and recall of each class on labelled texts."""
    from services.complaints.suggesting.measuring import answers, labelled, scores

    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            texts = labelled(csv.DictReader(lines))
    except (ValueError, UnicodeDecodeError, csv.Error) as error:
        typer.echo(f"dondoc: {file}: {error}", err=True)
        raise typer.Exit(1) from None
    chosen = [one for one in texts if held_out is None or one.is_held_out == held_out]
    found = scores(answers(chosen, _model(weights)))
    if as_json:
        import json

        typer.echo(
            json.dumps(
                {
                    about: {
                        name: {"precision": one.precision, "recall": one.recall, "texts": one.right + one.missed}
                        for name, one in classes.items()
                    }
                    for about, classes in found.items()
                }
            )
        )
        return
    typer.echo(f"{len(chosen)} texts")
    for about, classes in found.items():
        for name, one in classes.items():
            typer.echo(_line(about, name, one))


def _line(about: str, name: str, one: Score) -> str:
    precision, recall = (("  -  " if share is None else f"{share:5.3f}") for share in (one.precision, one.recall))
    return f"{about:9} {name:16} precision {precision}  recall {recall}  of {one.right + one.missed}"


def _model(weights: Path | None) -> Model:
    from services.complaints.suggesting.model import ModelError, load

    try:
        return load(weights)
    except ModelError as error:
        typer.echo(f"dondoc: {error}", err=True)
        raise typer.Exit(1) from None


def _told(guess: Guess) -> str:
    because = ", ".join(
        f"{f'{reason.concept}: ' if reason.concept else ''}{reason.term} ({reason.weight:+.2f})"
        for reason in guess.reasons
    )
    return f"{guess.key} ({guess.name}) {guess.probability:.2f}" + (f": {because}" if because else "")
