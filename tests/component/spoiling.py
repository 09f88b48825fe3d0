"""Good messages spoilt in every way a source, a line or an attacker may spoil them; the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import orjson

ODD: Sequence[Any] = (
    None, True, False, 0, -1, 2**63, 1e308, "", " ", "0", "x" * 5000, "\x00", "\x1b[31m", "\ufffe", "\u202eabc",
    "Ho\u00e0", "Hoa\u0300", "20261399999999", "20261102091000", "2026-11-02T09:10:00+07:00", "2026-11-02T09:10:00",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "' OR 1=1 --", "<script>", "../../etc/passwd", "{{7*7}}",
    [], {}, [[]], {"a": {"b": []}}, ["x"] * 200,
)  # fmt: skip
CUTS = (b"", b"\xff", b"\x00", b"\xc0\xaf", b"\xed\xa0\x80", b"}", b"[", b'"', b",", b"\xef\xbb\xbf", b"NaN", b"-0")


class Spoiler:
    """Spoils a share of messages. seed: of its choices."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._ways: Sequence[Callable[[bytes], bytes]] = (
            lambda body: body, self._value, self._value, self._member, self._bytes, self._cut, self._nested,
            self._twice,
        )  # fmt: skip

    def spoil(self, body: bytes) -> bytes:
        """Return `body` as it is, or spoilt once or twice; never with a line break, so that it stays one line."""
        for _ in range(self._random.choice((1, 1, 1, 2))):
            body = self._random.choice(self._ways)(body)
        return body.replace(b"\n", b" ").replace(b"\r", b" ").strip() or b"{}"

    def _value(self, body: bytes) -> bytes:
        """Put something odd in the place of any value."""
        return self._changed(body, lambda holder, key: holder.__setitem__(key, self._random.choice(ODD)))

    def _member(self, body: bytes) -> bytes:
        """Leave a member or an element out."""
        return self._changed(body, lambda holder, key: holder.__delitem__(key))

    def _changed(self, body: bytes, change: Callable[[Any, Any], None]) -> bytes:
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return body
        places = list(_places(document))
        if places:
            change(*self._random.choice(places))
        try:
            return orjson.dumps(document)
        except orjson.JSONEncodeError:
            return body

    def _bytes(self, body: bytes) -> bytes:
        at = self._random.randrange(len(body) + 1)
        return body[:at] + self._random.choice(CUTS) + body[at + self._random.randrange(3) :]

    def _cut(self, body: bytes) -> bytes:
        return body[: self._random.randrange(len(body) + 1)]

    def _nested(self, body: bytes) -> bytes:
        deep = self._random.choice((50, 1500, 20_000))
        return body.replace(b'""', b"[" * deep + b"]" * deep, 1)

    def _twice(self, body: bytes) -> bytes:
        return body + body


def _places(part: Any) -> Any:
    """Yield every place of a document: what holds it, and its key or index."""
    keys = part.keys() if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
    for key in list(keys):
        yield part, key
        yield from _places(part[key])
