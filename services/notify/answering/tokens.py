"""The signed part of a link: which notice to which post it answers, and until when. Pure.

Whoever holds the link may answer. It names no person, it is good for one purpose alone, and it is told from a made-up
one by its signature only: nothing of it is looked up before that holds.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

PURPOSE = "answer"
DOMAIN = b"dondoc link v1\n"  # what is signed with these keys for links is never taken for anything else
LONGEST = 512  # characters of a token; a post's code has 200 at most
SHORTEST_KEY = 32  # characters
PATH = "/v1/acknowledge/"


class LinkKeysError(ValueError):
    """DONDOC_NOTIFY_LINK_KEYS cannot be used; the message says why."""


class TokenError(Exception):
    """This is no link of ours."""


class TokenExpiredError(TokenError):
    """The link was ours; its time is over."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is for."""

    notice: str
    post: str
    expires_at: datetime


def keys(setting: str) -> tuple[bytes, ...]:
    """Return the keys of a setting, separated by commas: the first signs, all are accepted.

    raises: LinkKeysError - one is too short to be safe.
    """
    found = tuple(key.strip().encode() for key in setting.split(",") if key.strip())
    if any(len(key) < SHORTEST_KEY for key in found):
        raise LinkKeysError(f"DONDOC_NOTIFY_LINK_KEYS: each key has {SHORTEST_KEY} characters at least")
    return found


def sign(link: Link, *, key: bytes, purpose: str = PURPOSE) -> str:
    """Return the token of a link, safe in a URL. The time is kept to the second."""
    told = f"{purpose}\n{link.expires_at.timestamp():.0f}\n{link.notice}\n{link.post}"
    body = _text(told.encode())
    return f"{body}.{_mac(body, key)}"


def read(token: str, *, keys: Sequence[bytes], now: datetime) -> Link:
    """Return what a token is for. now: machine time.

    raises: TokenError - forged, cut, of another purpose or key. TokenExpiredError - ours, and too old.
    """
    body, dot, mac = token.partition(".")
    if not dot or len(token) > LONGEST or not token.isascii():
        raise TokenError
    if not any(hmac.compare_digest(mac, _mac(body, key)) for key in keys):
        raise TokenError
    try:
        purpose, expires, notice, post = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode().split("\n", 3)
        link = Link(notice, post, datetime.fromtimestamp(int(expires), UTC))
    except (binascii.Error, ValueError, OverflowError):
        raise TokenError from None
    if purpose != PURPOSE:
        raise TokenError
    if link.expires_at <= now:
        raise TokenExpiredError
    return link


@dataclass(frozen=True, slots=True)
class Links:
    """How links are made. public_url: under which heads reach notify; empty: no notice has a link."""

    public_url: str
    keys: tuple[bytes, ...]
    good_for: timedelta

    def url(self, notice: str, post: str, *, now: datetime) -> str:
        """Return the address where a post answers a notice, empty where there is none. now: machine time."""
        if not self.public_url:
            return ""
        return self.public_url.rstrip("/") + PATH + sign(Link(notice, post, now + self.good_for), key=self.keys[0])


def links(*, public_url: str, keys_setting: str, days: int) -> Links:
    """Return how links are made. raises: LinkKeysError - there is an address and no key."""
    found = keys(keys_setting)
    if public_url and not found:
        raise LinkKeysError("DONDOC_NOTIFY_LINK_KEYS is not set: with DONDOC_NOTIFY_PUBLIC_URL links must be signed")
    return Links(public_url, found, timedelta(days=days))


def _mac(body: str, key: bytes) -> str:
    return _text(hmac.digest(key, DOMAIN + body.encode(), "sha256"))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
