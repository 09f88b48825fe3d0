"""The NATS login of a source: written for a stack of `dondoc up` and taken by its server at once, else explained."""

import os
import signal
from pathlib import Path

from dondoc.stack import layout, nats, permissions, running


def address(data: Path | None, name: str) -> str | None:
    """Return the address, with its password, under which a source may publish now; None where it has no open login."""
    where = layout.data_dir(data)
    stack = running.read_down(where)
    if stack is None or "nats" not in stack.ports:
        return None
    password = layout.load_secrets(where).open_sources.get(name)
    return nats.url(port=stack.ports["nats"], user=name, password=password) if password else None


def open_login(data: Path | None, name: str) -> str:
    """Give a source its login, or open it again; returns in a line or several what came of it, for the operator."""
    if not _reload(data, name, open=True):
        may = permissions.block(permissions.of_source(name))
        return _elsewhere(name, "--source", f"a user {name} with the permissions\n{may}")
    return f"on NATS it may publish feed.{name}.> at {address(data, name)}"


def close_login(data: Path | None, name: str) -> str:
    """Take a source's login away until it is opened again; its connections end at once."""
    if not _reload(data, name, open=False):
        waits = "until then what it sends waits in quarantine"
        return _elsewhere(name, "--close", f"remove its user {name}; {waits}")
    return f"NATS refuses the login {name} now"


def _reload(data: Path | None, name: str, *, open: bool) -> bool:
    """Keep the change, and let the server of a running stack read its logins anew; False: the server is not ours."""
    where = layout.data_dir(data)
    stack = running.read_down(where)
    if stack is None or "nats" not in stack.ports:
        return False
    closed = set(layout.load_secrets(where).closed) - {name} if open else {*layout.load_secrets(where).closed, name}
    secrets = layout.load_secrets(where, sources=[name] if open else (), closed=closed)
    nats.command(
        where,
        port=stack.ports["nats"],
        monitoring_port=stack.ports["nats_monitoring"],
        users=nats.logins(secrets.nats, secrets.open_sources),
    )
    program = stack.programs.get("nats")
    if program and program.pid:  # one that is just being started again reads the file by itself
        os.kill(program.pid, signal.SIGHUP)
    return True


def _elsewhere(name: str, option: str, own: str) -> str:
    return (
        "the NATS server is not of a `dondoc up` on this machine. In containers: "
        f"deploy/make-secrets.sh {option} {name} && docker-compose restart nats. A server of your own: {own}"
    )
