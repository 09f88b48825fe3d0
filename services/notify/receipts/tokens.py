"""What only we can have written: tokens in addresses of receipts, proofs in our mails, marks of addresses. Pure."""

from __future__ import annotations

import hashlib
import hmac

from services.notify.addressing import numbers
from shared.events import NoticeChannel

PROOF = "X-Dondoc-Notice"  # header of our mails: the notice's id and its proof, which a bounce brings back
LENGTH = 32  # hexadecimal digits: 128 bits


def of_provider(key: str, provider: str) -> str:
    """Return the token of the address that a gateway calls for all its messages."""
    return _mac(key, "provider", provider)


def of_notice(key: str, id: str) -> str:
    """Return the token of one notice."""
    return _mac(key, "notice", id)


def of_address(key: str, channel: NoticeChannel, address: str) -> str:
    """Return the mark of an address: tells two apart, and is of no use to whom has not the key."""
    known = numbers.number(address) if channel == "sms" else None
    return _mac(key, f"address {channel}", known or address.strip().casefold())


def is_right(given: str, wanted: str) -> bool:
    """Return whether a token is the wanted one, in constant time; an empty one never is."""
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())


def _mac(key: str, purpose: str, text: str) -> str:
    if not key:
        return ""
    return hmac.new(key.encode(), f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()[:LENGTH]
