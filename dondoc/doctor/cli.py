"""`dondoc doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from dondoc.stack import layout
from shared.cli import AsJson, Data

PortBase = Annotated[int, typer.Option("--port-base", min=1024, max=65_500, help="First port of a stack to come.")]


def register(app: typer.Typer) -> None:
    @app.command(epilog="Example: dondoc doctor --data /srv/dondoc --json")
    def doctor(data: Data = None, as_json: AsJson = False, port_base: PortBase = layout.DEFAULT_PORT_BASE) -> None:
        """Check the installation, and say of each finding what to do. Exit code 1: something is wrong.

        Looks at the stack of --data, else at the servers that the environment names; before the first `dondoc up`
        at what it will need. Changes nothing and sends nothing.
        """
        import asyncio

        from dondoc.doctor import findings, place
        from dondoc.doctor.examination import examine

        found = asyncio.run(examine(place.find(data, port_base=port_base)))
        if as_json:
            typer.echo(findings.as_json(found))
        else:
            findings.print_table(found)
        if not findings.well(found):
            raise typer.Exit(1)
