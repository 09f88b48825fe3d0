"""The certificates of servers that are reached over TLS: are they believed, and for how long still."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from dondoc.doctor.findings import Finding, left_out, ok, warning, wrong
from dondoc.doctor.place import Place, at
from shared.clock import machine_now

ANSWER_S = 3
SOON, NOW = timedelta(days=30), timedelta(days=7)
RENEW = "renew it, and restart the server"
POSTGRES_TLS = struct.pack("!ii", 8, 80877103)  # SSLRequest of its protocol
VERIFYING = ("verify-ca", "verify-full")

Opening = Callable[[socket.socket], None]  # what must be said in clear before TLS begins


async def examine(place: Place) -> list[Finding]:
    """Look at the certificate of each server that is reached over TLS; the mail relay's is seen with the relay."""
    urls = {**({"NATS": place.nats_url} if place.nats_url else {}), **_databases(place)}
    if not urls:
        return [left_out("certificates", place.without("any server"))]
    looking = (asyncio.to_thread(_look, server, url, place.nats_ca or None) for server, url in urls.items())
    found = await asyncio.gather(*looking)
    told = [finding for findings in found for finding in findings]
    return told or [left_out("certificates", "no server is reached over TLS")]


def _databases(place: Place) -> dict[str, str]:
    """Return one address for each PostgreSQL server."""
    by_server = {at(url): url for url in place.database_urls.values()}
    return {f"PostgreSQL {server}": url for server, url in by_server.items()}


def _look(server: str, url: str, nats_ca: str | None) -> list[Finding]:
    parts = urlsplit(url)
    if server == "NATS":
        if parts.scheme != "tls":
            return []
        return check(server, parts.hostname or "", parts.port or 4222, opening=_hear_nats, authority=nats_ca)
    mode = next(iter(parse_qs(parts.query).get("ssl", ())), "prefer")
    if mode in VERIFYING:
        authority = os.environ.get("PGSSLROOTCERT") or None
        return check(server, parts.hostname or "", parts.port or 5432, opening=_ask_postgres, authority=authority)
    if mode == "require":
        said = f"the connection to {server} is encrypted, and any server's certificate is taken"
        return [warning("certificates", said, "use ssl=verify-full, with the authority's file in PGSSLROOTCERT")]
    return []


def check(server: str, host: str, port: int, *, opening: Opening, authority: str | None) -> list[Finding]:
    """Connect as a careful client does, and judge the certificate. authority: a file; None: those of the machine."""
    try:
        context = ssl.create_default_context(cafile=authority)
        with socket.create_connection((host, port), timeout=ANSWER_S) as plain:
            opening(plain)
            with context.wrap_socket(plain, server_hostname=host) as secure:
                return judge(server, secure.getpeercert() or {}, now=machine_now())
    except ssl.SSLCertVerificationError as error:
        return [wrong("certificates", f"{server}: {error.verify_message}", f"{RENEW}, or correct the authority's file")]
    except (OSError, ValueError) as error:
        return [
            wrong("certificates", f"{server}: no TLS ({type(error).__name__})", "look at the server's TLS settings")
        ]


def _hear_nats(plain: socket.socket) -> None:
    """NATS says INFO in clear, one line, before it begins."""
    heard = b""
    while not heard.endswith(b"\r\n"):
        if not (part := plain.recv(4096)):
            raise ValueError("NATS ended the connection")
        heard += part


def _ask_postgres(plain: socket.socket) -> None:
    plain.sendall(POSTGRES_TLS)
    if plain.recv(1) != b"S":
        raise ValueError("PostgreSQL offers no TLS")


def judge(server: str, certificate: dict[str, Any], *, now: datetime) -> list[Finding]:
    """Return how long a certificate still holds. certificate: as `ssl` gives it once it was verified."""
    if "notAfter" not in certificate:
        return [left_out("certificates", f"{server} shows none that can be read")]
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    left = ends - now
    said = f"that of {server} holds {left.days} days more, until {ends:%d/%m/%Y}"
    if left < NOW:
        return [wrong("certificates", said, RENEW)]
    return [warning("certificates", said, RENEW)] if left < SOON else [ok("certificates", said)]
