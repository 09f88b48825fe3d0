"""The part of the `dondoc` command that is about sending: `notify providers check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shared.cli import group

providers = typer.Typer(help="The file of the providers: relays, gateways, webhooks.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    group(app, "notify", about="What leaves the house, and by whom.").add_typer(providers, name="providers")


@providers.command("check", epilog="Example: dondoc notify providers check providers.yaml")
def check_providers(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A file of providers.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Check a file of providers and show whom it names. Exit code 1: it cannot be used.

    A secret that is set here is checked, too; one that is not is only named.
    """
    import orjson

    from services.notify.sending.providers import ProviderError, check_secret, secrets_of
    from services.notify.sending.ways import given, load, variable_of

    try:
        read = load(file)
        for provider in read.providers:
            for name in secrets_of(provider):
                check_secret(provider, given(name) or "")
    except ProviderError as error:
        for line in str(error).splitlines():
            typer.echo(f"dondoc: {line}", err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(orjson.dumps(read.model_dump(mode="json")).decode())
        return
    for provider in read.providers:
        of_channel = sum(one.share for one in read.providers if one.channel == provider.channel)
        variables = " and ".join(map(variable_of, secrets_of(provider)))
        needs = f", needs {variables}" if variables else ""
        typer.echo(
            f"{provider.name}: {provider.channel} by {provider.kind}, {provider.share} of {of_channel} parts, "
            f"{provider.connections} at once{needs}"
        )
