"""Who may say and hear what on NATS, derived from what each service keeps and hears; no password is here.

`python -m dondoc.stack.permissions > dondoc/stack/nats_permissions.conf` writes the file that the servers of
`dondoc up` and of docker-compose.yml read; a test holds it to the services.
"""

import importlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dondoc.stack.layout import OPERATOR, SERVICES
from shared.login import inbox
from shared.rereading import reader_of
from shared.streams import STREAMS, StreamName

if TYPE_CHECKING:
    from shared.service import Service

HEAD = """\
# What each login may say (publish) and hear (subscribe); all else is refused. Written from the services by
#   python -m dondoc.stack.permissions
# A stream is written by its owner alone, a durable used by its service alone, an inbox read by its login alone.
"""


@dataclass(frozen=True)
class Permissions:
    """Subjects of one login. answers: it may answer each question put to it, once."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    answers: bool = False


def of_service(service: "Service") -> Permissions:
    """Return what a service needs: to write and configure what it keeps, to pull and ack what it hears."""
    publish: list[str] = []
    for stream in sorted(service.keeps):
        publish.append(f"{STREAMS[stream].prefix}.>")
        publish += [f"$JS.API.STREAM.{deed}.{stream}" for deed in ("CREATE", "UPDATE", "INFO")]
        if STREAMS[stream].can_wait:  # to see what all its hearers have done, and to let go of that
            publish += [f"$JS.API.{deed}.{stream}" for deed in ("CONSUMER.LIST", "STREAM.PURGE")]
    for hearing, _ in service.handlers:
        subjects = hearing.subjects_with(STREAMS[hearing.stream].tick)
        publish += _pulling(hearing.stream, service.name, subjects)
        if hearing.subjects and not hearing.can_wait:  # more than ticks, so what is parked of it is fetched again
            publish.append(f"$JS.API.STREAM.MSG.GET.{hearing.stream}")
    for stream in service.reads_again:
        name = reader_of(service.name)
        publish += [*_pulling(stream, name, []), f"$JS.API.CONSUMER.DELETE.{stream}.{name}"]
    subscribe = (f"{inbox(service.name)}.>", f"dondoc.status.{service.name}")
    return Permissions(tuple(dict.fromkeys(publish)), subscribe, answers=True)


def _pulling(stream: StreamName, durable: str, subjects: list[str]) -> Iterator[str]:
    """Yield what one durable takes. A single subject stands in the request, so the server holds it to that one."""
    one = f".{subjects[0]}" if len(subjects) == 1 else ""
    yield f"$JS.API.STREAM.INFO.{stream}"
    yield f"$JS.API.CONSUMER.CREATE.{stream}.{durable}{one}"
    yield f"$JS.API.CONSUMER.INFO.{stream}.{durable}"
    yield f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
    yield f"$JS.ACK.{stream}.{durable}.>"


def of_operator() -> Permissions:
    """Return what `dondoc` itself needs: to ask how things are, and to drive the clock of a demo or a replay.

    It reads every stream but FEED and BACKFILL, which hold what citizens handed in.
    """
    asking = ("INFO", "STREAM.NAMES", "STREAM.LIST", "STREAM.INFO.*", "CONSUMER.NAMES.*", "CONSUMER.LIST.*")
    reading = (f"STREAM.MSG.GET.{stream}" for stream in STREAMS if stream not in ("FEED", "BACKFILL"))
    api = (f"$JS.API.{request}" for request in (*asking, "CONSUMER.INFO.*.*", *reading))
    return Permissions(
        publish=("dondoc.status.*", f"{STREAMS['FEED'].prefix}.>", *api),
        subscribe=(f"{inbox(OPERATOR)}.>", STREAMS["NOTIFY"].tick),
    )


def of_source(name: str) -> Permissions:
    """Return what a one-stop system needs: its own subjects, and the answers that say a message is stored."""
    return Permissions(publish=(f"feed.{name}.>",), subscribe=(f"{inbox(name)}.>",))


def services() -> "Iterator[Service]":
    for name in SERVICES:
        yield importlib.import_module(f"services.{name}.main").SERVICE


def rendered(of: "Iterable[Service]") -> str:
    """Return the file: a variable `<login>_may` for each login, in the server's own words."""
    known = {service.name: of_service(service) for service in of} | {OPERATOR: of_operator()}
    return HEAD + "".join(f"\n{name}_may: {block(may)}\n" for name, may in known.items())


def block(may: Permissions) -> str:
    """Return permissions in the server's own words."""
    lines = ["{"]
    for name, subjects in (("publish", may.publish), ("subscribe", may.subscribe)):
        lines += [f"  {name}: [", *(f'    "{subject}"' for subject in subjects), "  ]"]
    if may.answers:
        lines.append("  allow_responses: true")
    return "\n".join([*lines, "}"])


if __name__ == "__main__":
    sys.stdout.write(rendered(services()))
