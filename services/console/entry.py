"""The token that lets a browser in after it has shown the installation's key once. Pure."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

PURPOSE = b"dondoc console session "  # so that no other signature made with the key passes for a token


def token(*, key: str, until: datetime) -> str:
    """Return a token that is good until `until`: the instant in the clear and its signature."""
    expires = str(int(until.timestamp()))
    return f"{expires}.{_signature(key, expires)}"


def is_good(given: str, *, key: str, at: datetime) -> bool:
    """Return whether `given` was signed with this key and has not run out. An empty key signs nothing."""
    expires, _, signature = given.partition(".")
    genuine = hmac.compare_digest(signature.encode(), _signature(key, expires).encode())
    return bool(key) and genuine and at.timestamp() < int(expires)


def is_key(given: str, *, key: str) -> bool:
    """Return whether `given` is the installation's key. An empty key lets nobody in."""
    return bool(key) and hmac.compare_digest(given.encode(), key.encode())


def _signature(key: str, expires: str) -> str:
    return hmac.new(key.encode(), PURPOSE + expires.encode(), hashlib.sha256).hexdigest()
