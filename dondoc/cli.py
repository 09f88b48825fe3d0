"""The `dondoc` command: gathers every service's own commands, and runs the stack on one machine."""

import importlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer._click.exceptions import UsageError  # Typer raises it and does not export it
from typer.models import CommandInfo

from dondoc.stack import layout
from dondoc.stack.errors import StackError
from shared.secrets import take_secret_files

if TYPE_CHECKING:
    from dondoc.stack.running import Running

# Each has a function `register(app: typer.Typer) -> None`; those that do not exist are passed over.
COMMAND_MODULES = (
    *(f"services.{service}.cli" for service in layout.SERVICES),
    "dondoc.source.cli",
    "dondoc.quarantine.cli",
    "dondoc.doctor.cli",
    "dondoc.demo.cli",
    "dondoc.simulate.cli",
    "dondoc.bridge.cli",
)
DETACH_S = 120
DOWN_S = 180  # five services one after another, then the servers

Data = Annotated[Path | None, typer.Option("--data", help="Data directory (else DONDOC_DATA, else ./var).")]
PortBase = Annotated[int, typer.Option("--port-base", min=1024, max=65_500, help="First port of the stack.")]

app = typer.Typer(
    name="dondoc",
    help="Đôn đốc watches what public services owe citizens, and presses until it is settled.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.command(epilog="Example: dondoc up --data /srv/dondoc --detach")
def up(
    data: Data = None,
    port_base: PortBase = layout.DEFAULT_PORT_BASE,
    detach: Annotated[bool, typer.Option("--detach", help="Return once all are ready.")] = False,
    source: Annotated[
        list[str] | None, typer.Option("--source", help="Give a source its own login on NATS; kept in secrets.json.")
    ] = None,
) -> None:
    """Start NATS, PostgreSQL and all services on this machine and keep them running."""
    from dondoc.stack import settings, supervisor

    settings.check()
    where, sources = layout.data_dir(data), source or []
    if wrong := [name for name in sources if not layout.is_source(name)]:
        raise UsageError(f"no name of a source: {', '.join(wrong)}; letters a-z, digits, - and _, and no name of ours")
    if detach:
        _up_detached(where, port_base, sources)
    else:
        plan = supervisor.Plan(data=where, port_base=port_base, sources=sources)
        supervisor.run(plan, announce=partial(_announce, where))


def _up_detached(data: Path, port_base: int, sources: list[str]) -> None:
    """Start a supervisor of its own session and wait until it says that all is ready.

    raises: StackError - what the supervisor said when it gave up.
    """
    from dondoc.stack import running

    log = data / "logs" / "supervisor.log"
    layout.make_private(data)
    began = log.stat().st_size if log.exists() else 0
    command = [sys.executable, "-m", "dondoc.cli", "up", "--data", str(data), "--port-base", str(port_base)]
    command += [f"--source={name}" for name in sources]
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603 - this very program
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    until = time.monotonic() + DETACH_S
    while time.monotonic() < until:
        found = running.read_down(data)
        if found is not None and found.supervisor == child.pid and found.ready:
            _announce(data, found)
            child.returncode = 0  # it stays; nobody here waits for it
            return
        if child.poll() is not None:
            said = log.read_bytes()[began:].decode(errors="replace").strip().splitlines()
            raise StackError(said[-1].removeprefix("dondoc: ") if said else f"the stack ended; see {log}")
        time.sleep(0.1)
    child.terminate()
    child.wait()
    raise StackError(f"the stack was not ready within {DETACH_S} s; see {log.parent}")


def _announce(data: Path, stack: "Running") -> None:
    key = "DONDOC_API_KEY" if os.environ.get("DONDOC_API_KEY") else f"{data / 'secrets.json'} (api_key)"
    typer.echo(f"Đôn đốc is ready. Console: {stack.http_urls['console']}/ – key: {key}")
    typer.echo(f"Citizens' pages: {stack.http_urls['complaints']}/")


@app.command(epilog="Example: dondoc down --data /srv/dondoc")
def down(data: Data = None) -> None:
    """Stop the stack, waiting for what is in flight. Harmless when none is running."""
    from dondoc.stack import lock

    where = layout.data_dir(data)
    supervisor = lock.holder(where)
    if supervisor is None:
        typer.echo(f"no stack is running on {where}")
        return
    os.kill(supervisor, signal.SIGTERM)
    until = time.monotonic() + DOWN_S
    while lock.holder(where) == supervisor:
        if time.monotonic() > until:
            raise StackError(f"the stack has not ended within {DOWN_S} s: end process {supervisor} by `kill -9`")
        time.sleep(0.1)
    typer.echo("stopped")


@app.command(epilog="Example: DONDOC_DATABASE_URL=postgresql://dondoc@db/dondoc dondoc migrate")
def migrate() -> None:
    """Bring every service's schema to its newest version, in the database of the environment.

    DONDOC_<SERVICE>_DATABASE_URL gives a service's own database or role; the others use DONDOC_DATABASE_URL.
    With a superuser's address in DONDOC_ADMIN_DATABASE_URL the roles dondoc_<service>, whose passwords those
    addresses carry, and their schemas are made first.
    """
    from dondoc.stack import running
    from shared import db

    urls = {service: running.database_url(service) for service in layout.SERVICES}
    missing = [service for service, url in urls.items() if url is None]
    if missing:
        raise UsageError(f"set DONDOC_DATABASE_URL: no database is given for {', '.join(missing)}")
    given = {service: url for service, url in urls.items() if url is not None}
    if admin := os.environ.get("DONDOC_ADMIN_DATABASE_URL"):
        _make_roles(admin, given)
    for service, url in given.items():
        db.migrate(service, url)


def _make_roles(admin_url: str, urls: dict[str, str]) -> None:
    """Make the database, and each service's role and schema, as the services' addresses name them."""
    import asyncio
    from urllib.parse import unquote, urlsplit

    from dondoc.stack import postgres

    passwords = {service: unquote(urlsplit(url).password or "") for service, url in urls.items()}
    databases = {urlsplit(url).path.removeprefix("/") for url in urls.values()}
    if len(databases) != 1:
        raise StackError(f"DONDOC_ADMIN_DATABASE_URL serves one database, these are several: {', '.join(databases)}")
    asyncio.run(postgres.provision(admin_url, passwords, database=databases.pop()))


@app.command(epilog="Example: dondoc status --wait-idle 30")
def status(
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    wait_idle: Annotated[
        float | None, typer.Option("--wait-idle", metavar="SECONDS", min=0, help="Wait until nothing is in flight.")
    ] = None,
) -> None:
    """Show services, the lag of each consumer, outbox, quarantine and counts. Exit code 1: something is not well."""
    import asyncio

    from dondoc.stack import running
    from dondoc.stack import status as asking

    stack = running.find_running(data)
    if wait_idle is None:
        answers = asyncio.run(asking.ask_all(stack))
        good = asking.well(answers)
    else:
        good, answers = asyncio.run(asking.wait_idle(stack, wait_idle))
    if as_json:
        typer.echo(asking.as_json(stack, answers))
    else:
        asking.print_table(stack, answers)
    if wait_idle is not None and not good:
        raise StackError(f"still busy after {wait_idle:g} s: {'; '.join(asking.busy(answers)) or 'counts still move'}")
    if not good:
        raise typer.Exit(1)


def gather() -> None:
    """Let every module of COMMAND_MODULES add its commands; groups of the same name become one."""
    for name in COMMAND_MODULES:
        try:
            known = importlib.util.find_spec(name) is not None
        except ModuleNotFoundError:  # not even its package
            known = False
        if known:
            importlib.import_module(name).register(app)
    merged: dict[str | None, list[CommandInfo]] = {}
    for group in list(app.registered_groups):
        if group.typer_instance is None:
            continue
        commands = merged.setdefault(group.name, group.typer_instance.registered_commands)
        if commands is not group.typer_instance.registered_commands:
            commands.extend(group.typer_instance.registered_commands)
            app.registered_groups.remove(group)


def main() -> None:
    """Run the command; what is wrong is one line on stderr, and the exit code says whose fault it is."""
    take_secret_files()
    gather()
    try:
        code = app(prog_name="dondoc", standalone_mode=False)  # of typer.Exit; else what the command returned
        sys.exit(code if isinstance(code, int) else 0)
    except StackError as error:
        sys.stderr.write(f"dondoc: {error}\n")
        sys.exit(1)
    except UsageError as error:
        said, context = error.format_message(), error.ctx
        asked_for_nothing = said.startswith("Usage:")  # a bare `dondoc`: the message is the help
        more = "" if asked_for_nothing or context is None else f" (see `{context.command_path} --help`)"
        sys.stderr.write(f"{said}\n" if asked_for_nothing else f"dondoc: {said}{more}\n")
        sys.exit(2)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)


if __name__ == "__main__":
    main()
