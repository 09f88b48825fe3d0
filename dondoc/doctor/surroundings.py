"""What a stack needs of its machine: settings, programs, ports, disk, files that nobody else reads."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from dondoc.doctor.broker import bound as stream_bound
from dondoc.doctor.findings import Finding, left_out, ok, settled, warning, wrong
from dondoc.doctor.place import Place
from dondoc.stack import layout, lock, nats, postgres, settings
from dondoc.stack.errors import StackError
from shared.streams import STREAMS

GIB = 1 << 30
LITTLE_BYTES, FEW_BYTES = 5 * GIB, GIB  # free on the disk: a warning, a fault (one checkpoint writes up to 4 GB of WAL)
LITTLE_SHARE = 0.1
ROOMY_BYTES = 50 * GIB  # with so much left the share does not matter
OTHERS_READ, OTHERS_PASS = 0o004, 0o001
SECRET_SETTINGS = ("DONDOC_API_KEY", "_PASSWORD", "DONDOC_NATS_URL", "DATABASE_URL")  # ends of names


async def examine(place: Place) -> list[Finding]:
    """Look at the machine that this runs on."""
    return await asyncio.to_thread(_examine, place)


def _examine(place: Place) -> list[Finding]:
    found = check_settings()
    if place.contained:
        why = "this is a container, which has its image and nothing else of the machine"
        return found + [left_out(check, why) for check in ("programs", "ports", "disk", "secret files")]
    taken = {name: port for name, port in wanted_ports(place).items() if not lock.is_free(port)}
    usage = shutil.disk_usage(_existing(place.data))
    return [
        *found,
        *check_programs(place),
        *([ok("ports", "the stack listens on them")] if place.stack else judge_ports(taken)),
        *judge_disk(usage.free, usage.total, to_come=_to_come(place), where=place.data),
        *check_secret_files(place.data),
    ]


def check_settings() -> list[Finding]:
    """Read every setting of the environment, as `dondoc up` does before it starts anything."""
    try:
        settings.check()
    except StackError as error:
        return [
            wrong("settings", why, "correct it; .env.example says what is allowed") for why in str(error).split("; ")
        ]
    return [ok("settings", "all can be read")]


def check_programs(place: Place) -> list[Finding]:
    """Look for the servers that `dondoc up` starts, where it would start them."""
    problems = []
    if not place.nats_url or place.stack:
        problems += _fails(nats.binary)
    if not place.database_urls or place.stack:
        problems += _fails(lambda: postgres.binary("postgres")) or _fails(postgres.prefix)
    return settled("programs", problems, good="the servers that `dondoc up` starts are installed")


def _fails(look: Callable[[], object]) -> list[Finding]:
    try:
        look()
    except StackError as error:
        said, _, to_do = str(error).partition(": ")
        return [wrong("programs", said, to_do)]
    return []


def wanted_ports(place: Place) -> dict[str, int]:
    """Return the ports that a stack started here would listen on; servers of the operator's own have theirs."""
    absent = {"nats", "nats_monitoring"} if place.nats_url else set()
    if len(place.database_urls) == len(layout.SERVICES):
        absent |= {"postgres"}
    return {name: port for name, port in layout.ports(place.port_base).items() if name not in absent}


def judge_ports(taken: Mapping[str, int]) -> list[Finding]:
    """Return a finding for each port that something else listens on."""
    to_do = "stop what listens there (`ss -ltnp`), or start with another --port-base"
    problems = [wrong("ports", f"port {port} of {name} is in use", to_do) for name, port in taken.items()]
    return settled("ports", problems, good="all are free")


def judge_disk(free: int, total: int, *, to_come: int, where: Path) -> list[Finding]:
    """Return what the space left means.

    to_come: bytes that the streams may still take before their own bound refuses more.
    """
    said = f"{free / GIB:.1f} GiB of {total / GIB:.0f} GiB are free at {where}"
    if free < FEW_BYTES:
        return [wrong("disk", said, "make room now: without it PostgreSQL and NATS stop")]
    if free < LITTLE_BYTES or (free < LITTLE_SHARE * total and free < ROOMY_BYTES):
        return [warning("disk", said, "make room, or move the data directory to a larger disk")]
    if free < to_come:
        more = f"{said}; the streams may take {to_come / GIB:.1f} GiB more"
        return [
            warning("disk", more, "make room, or lower DONDOC_STREAM_MAX_BYTES: a bound helps only below the disk's")
        ]
    return [ok("disk", said)]


def _to_come(place: Place) -> int:
    if place.nats_url and not (place.stack and "nats" in place.stack.programs):
        return 0  # the streams are on another server
    held = sum(file.stat().st_size for file in (place.data / "nats").rglob("*") if file.is_file())
    return max(stream_bound() * len(STREAMS) - held, 0)


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def check_secret_files(data: Path) -> list[Finding]:
    """Look for files with secrets or personal data that every user of the machine may read."""
    files = [data / name for name in ("secrets.json", "stack.json", "nats/nats.conf", "nats/jetstream", "postgres")]
    files += [data / "logs", *Path("deploy/secrets").absolute().glob("*")]
    env = Path(".env").absolute()
    if holds_secret(env):
        files.append(env)
    problems = [
        wrong("secret files", f"every user of this machine may read {file}", f"chmod o-rwx {file}")
        for file in files
        if readable_by_others(file)
    ]
    return settled("secret files", problems, good="only their owner reads them")


def holds_secret(env: Path) -> bool:
    """Return whether a file of settings gives one that is a secret."""
    try:
        lines = [line.strip().removeprefix("export ") for line in env.read_text(errors="replace").splitlines()]
    except OSError:
        return False
    named = [line.partition("=") for line in lines if not line.startswith("#")]
    return any(name.endswith(SECRET_SETTINGS) and value.strip("'\" ") for name, _, value in named)


def readable_by_others(file: Path) -> bool:
    """Return whether any user may read a file: it lets them, and each folder above lets them pass."""
    try:
        passable = all(folder.stat().st_mode & OTHERS_PASS for folder in file.parents)
        return passable and bool(file.stat().st_mode & OTHERS_READ)
    except OSError:  # not there, or not even ours to look at
        return False
