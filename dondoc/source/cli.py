"""`dondoc source`: registers sources, makes and revokes keys, lets them speak or not, shows who was refused."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from dondoc.source import logins
from dondoc.stack.layout import is_source
from shared.cli import AsJson, Data, call, client, group, moment
from shared.clock import machine_now

if TYPE_CHECKING:
    import httpx

LISTED = ("name", "role", "enabled", "keys", "heard_at", "silent_since", "title")
AUDITED = ("id", "at", "source", "deed", "why", "address")


class Role(StrEnum):
    PRIMARY = "primary"
    MIRROR = "mirror"


def _name(given: str) -> str:
    if not is_source(given):
        raise typer.BadParameter("letters a-z, digits, - and _, 63 at most, and no name of ours")
    return given


Name = Annotated[str, typer.Argument(metavar="NAME", callback=_name, help="As in feed.<name>.>")]
Title = Annotated[str | None, typer.Option(help="What people call it.")]
RoleOption = Annotated[Role | None, typer.Option(help="A mirror repeats what a one-stop system says.")]
Signed = Annotated[
    bool | None, typer.Option("--signed/--unsigned", help="Its calls over HTTP carry a signature as well.")
]
Watched = Annotated[bool | None, typer.Option("--watch/--no-watch", help="Whether its silence raises an alarm.")]
SilentAfter = Annotated[
    int | None, typer.Option("--silent-after", metavar="MINUTES", min=0, help="Of its own hours; 0 = as learned.")
]
Objects = Annotated[
    int | None, typer.Option("--objects-per-minute", min=-1, help="Over HTTP; 0 = no limit, -1 = the usual.")
]
Bytes = Annotated[int | None, typer.Option("--bytes-per-minute", min=-1, help="Likewise, bytes as they are unpacked.")]


def register(app: typer.Typer) -> None:
    """Add the group `dondoc source`."""
    source = group(app, "source", about="The register of sources: who may feed, by which key, how much.")
    source.command("list", epilog="Example: dondoc source list")(list_sources)
    source.command("show", epilog="Example: dondoc source show motcua-1 --json")(show)
    source.command("add", epilog="Example: dondoc source add motcua-1 --title 'Một cửa Sở Xây dựng'")(add)
    source.command("set", epilog="Example: dondoc source set cong-quoc-gia --role mirror")(change)
    source.command("key", epilog="Example: dondoc source key motcua-1 --others-end-in 48")(make_key)
    source.command("revoke", epilog="Example: dondoc source revoke motcua-1 5f0c9a3e77b1")(revoke)
    source.command("enable", epilog="Example: dondoc source enable motcua-1")(enable)
    source.command("disable", epilog="Example: dondoc source disable motcua-1")(disable)
    source.command("audit", epilog="Example: dondoc source audit --limit 20")(audit)


def _print(told: Any, *, as_json: bool, text: str) -> None:
    typer.echo(orjson.dumps(told).decode() if as_json else text)


def _post(intake: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = call(lambda: intake.post(path, json=body)).json()
    return answer


def list_sources(as_json: AsJson = False, data: Data = None) -> None:
    """List the sources: what they are, how many keys they have, when they were heard, since when they are silent."""
    with client("intake", data) as intake:
        told = call(lambda: intake.get("/v1/sources")).json()
    rows = [{**one, "keys": len(one["keys"])} for one in told]
    _print(told, as_json=as_json, text=_table(LISTED, rows) if rows else "no source is registered or was heard yet")


def _table(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> str:
    """Return rows in columns, with tabs between where the output is no terminal."""
    cells = [[_cell(row[name]) for name in columns] for row in rows]
    if not sys.stdout.isatty():
        return "\n".join("\t".join(row) for row in cells)
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    lines = ([name.ljust(width) for name, width in zip(row, widths, strict=True)] for row in (columns, *cells))
    return "\n".join("  ".join(line).rstrip() for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value in (None, "") else " ".join(str(value).split())


def show(name: Name, as_json: AsJson = False, data: Data = None) -> None:
    """Show one source with its keys and, where this machine has it, the address of its login on NATS."""
    with client("intake", data) as intake:
        told = call(lambda: intake.get(f"/v1/sources/{name}")).json()
    told["nats_url"] = logins.address(data, name)
    _print(told, as_json=as_json, text=_facts(told))


def _facts(told: dict[str, Any]) -> str:
    lines = [f"{field}: {_cell(value)}" for field, value in told.items() if field != "keys"]
    for key in told["keys"]:
        until = f"until {key['valid_until']}" if key["valid_until"] else "until it is revoked"
        lines.append(f"key {key['id']}: made {key['made_at']}, valid {until}")
    return "\n".join(lines)


def _settings(
    title: str | None,
    role: Role | None,
    signed: bool | None,
    watched: bool | None,
    silent_after: int | None,
    objects: int | None,
    bytes: int | None,
) -> dict[str, Any]:
    """Return what was given, as the register names it."""
    given = {"title": title, "role": role, "signed": signed, "watched": watched}
    changes: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
    if silent_after is not None:
        changes["silent_after_minutes"] = silent_after or None
    for field, value in (("objects_per_minute", objects), ("bytes_per_minute", bytes)):
        if value is not None:
            changes[field] = value if value >= 0 else None
    return changes


def add(
    name: Name,
    title: Title = None,
    role: RoleOption = None,
    signed: Signed = None,
    watched: Watched = None,
    silent_after: SilentAfter = None,
    objects: Objects = None,
    bytes: Bytes = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Register a source, make its first key, shown now and never again, and give it a login on NATS."""
    settings = _settings(title, role, signed, watched, silent_after, objects, bytes)
    with client("intake", data) as intake:
        told = _post(intake, "/v1/sources", name=name, **settings)
        made = _post(intake, f"/v1/sources/{name}/keys")
    login = logins.open_login(data, name)
    told |= {"key": made, "nats_url": logins.address(data, name)}
    _print(told, as_json=as_json, text=f"{name} is registered\n{_key_text(name, made)}\n{login}")


def _key_text(name: str, made: dict[str, Any]) -> str:
    text = f"key {made['id']}, not shown again; it goes in the header X-API-Key of /v1/feeds/{name}/…:\n{made['key']}"
    if made["signing_secret"]:
        text += f"\nand where calls are signed, the secret for the header Dondoc-Signature:\n{made['signing_secret']}"
    return text


def change(
    name: Name,
    title: Title = None,
    role: RoleOption = None,
    signed: Signed = None,
    watched: Watched = None,
    silent_after: SilentAfter = None,
    objects: Objects = None,
    bytes: Bytes = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Change what is given of a source; all else stays. A role holds for what it says from now on."""
    settings = _settings(title, role, signed, watched, silent_after, objects, bytes)
    if not settings:
        raise typer.BadParameter("say what to change", param_hint="options")
    with client("intake", data) as intake:
        told = call(lambda: intake.patch(f"/v1/sources/{name}", json=settings)).json()
    _print(told, as_json=as_json, text=_facts(told))


def make_key(
    name: Name,
    others_end_in: Annotated[
        float | None,
        typer.Option("--others-end-in", metavar="HOURS", min=0, max=87_600, help="When the keys there are end."),
    ] = None,
    others_until: Annotated[
        str | None, typer.Option("--others-until", metavar="TIME", help="Likewise, as a moment.")
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Make a new key for a source, valid at once. The others stay valid until a moment, or until they are revoked."""
    until: str | None = None
    if others_until is not None:
        until = moment(others_until, option="--others-until")
    elif others_end_in is not None:
        until = _hours_from_now(others_end_in).isoformat()
    with client("intake", data) as intake:
        made = _post(intake, f"/v1/sources/{name}/keys", others_until=until)
    others = (
        f"its other keys end at {until}" if until else "its other keys stay valid: `dondoc source revoke` ends them"
    )
    _print({**made, "others_until": until}, as_json=as_json, text=f"{_key_text(name, made)}\n{others}")


def _hours_from_now(hours: float) -> datetime:
    return machine_now() + timedelta(hours=hours)


def revoke(
    name: Name,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its id, as `dondoc source show` lists it.")],
    data: Data = None,
) -> None:
    """Revoke a key of a source: it lets nobody in any more."""
    with client("intake", data) as intake:
        call(lambda: intake.delete(f"/v1/sources/{name}/keys/{key}"))
    typer.echo(f"{name} has no key {key} any more")


def enable(name: Name, as_json: AsJson = False, data: Data = None) -> None:
    """Let a source speak again, over HTTP and NATS, and take in what it sent while it was disabled."""
    with client("intake", data) as intake:
        told = _post(intake, f"/v1/sources/{name}/enable")
    login = logins.open_login(data, name)
    waits = f"; {told['waiting']} still wait: call it again, or see `dondoc quarantine list`" if told["waiting"] else ""
    text = f"{name} is enabled; {told['taken']} messages that waited are taken in{waits}\n{login}"
    _print(told, as_json=as_json, text=text)


def disable(name: Name, as_json: AsJson = False, data: Data = None) -> None:
    """Let a source speak no more. What reaches the stream all the same waits in quarantine; nothing is lost."""
    with client("intake", data) as intake:
        told = _post(intake, f"/v1/sources/{name}/disable")
    login = logins.close_login(data, name)
    _print(told, as_json=as_json, text=f"{name} is disabled\n{login}")


def audit(
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Newest lines.")] = 100,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """List refused calls and changes of the register, newest first."""
    with client("intake", data) as intake:
        told = call(lambda: intake.get("/v1/audit", params={"limit": limit})).json()
    _print(told, as_json=as_json, text=_table(AUDITED, told) if told else "nobody was refused and nothing changed")
