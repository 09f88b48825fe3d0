"""How a program logs in to NATS: whom it trusts, and an inbox that no other login may read."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import urlsplit

from nats.aio.client import Client


class NotEncryptedError(Exception):
    """The address says tls:// and the server offers no TLS."""


def inbox(user: str) -> str:
    """Return the prefix of the subjects on which a login gets its answers; the server's permissions name it too."""
    return f"_INBOX_{user}"


def trusted(url: str, ca: Path | None) -> ssl.SSLContext | None:
    """Return what a tls:// address is verified with: our own authority, or the system's; None for other addresses.

    raises: OSError - the file of the authority cannot be read, or holds no certificate.
    """
    return ssl.create_default_context(cafile=ca) if urlsplit(url).scheme == "tls" else None


def insist(client: Client) -> None:
    """Refuse a connection in clear to a tls:// address: the client itself goes on without where none is offered.

    raises: NotEncryptedError - there is none.
    """
    asked = client.connected_url is not None and client.connected_url.scheme == "tls"
    writer = getattr(client._transport, "_io_writer", None)
    if asked and (writer is None or writer.get_extra_info("ssl_object") is None):
        raise NotEncryptedError("the NATS server offers no TLS: set it up there, or use a nats:// address")
