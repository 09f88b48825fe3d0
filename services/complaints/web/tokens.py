"""The signed mark of a form: who sends a form had the page before them, for a while. Pure; time comes in.

A mark also carries what proves some work where that is asked for: a number that a script finds, or a question in words
for those without one. Nothing is stored of a mark until its form is filed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import unicodedata
from dataclasses import dataclass

DOMAIN = b"dondoc form v1\n"  # what is signed for forms is never taken for anything else
YOUNGEST_S, OLDEST_S = 3.0, 2 * 3600.0  # nobody writes faster; a page that lies open longer is asked to send again
ID_BYTES, TIME_BYTES, MAC_BYTES = 12, 8, 16
LONGEST_NONCE = 20  # digits
DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín", "mười")
NUMBERS = (*DIGITS, *(f"mười {'lăm' if n == 5 else DIGITS[n]}" for n in range(1, 10)), "hai mươi")
QUESTIONS = (
    ("{a} cộng {b} bằng mấy?", 1),
    ("{a} thêm {b} là mấy?", 1),
    ("{a} trừ {b} còn mấy?", -1),
    ("{a} bớt đi {b} còn mấy?", -1),
)


class TokenError(Exception):
    """No form of ours has this mark."""


class TokenExpiredError(TokenError):
    """The form was ours; its page lay open for too long."""


@dataclass(frozen=True, slots=True)
class Token:
    """A mark as it was sent. age_s: since its page was made."""

    text: str
    id: bytes
    age_s: float


@dataclass(frozen=True, slots=True)
class Question:
    """A question in words and the number that answers it."""

    words: str
    answer: int


def issue(*, key: bytes, id: bytes, now_s: float) -> str:
    """Return a new mark. id: ID_BYTES that nobody can guess. now_s: Unix time, of the machine."""
    body = id + int(now_s * 1000).to_bytes(TIME_BYTES, "big")
    return base64.urlsafe_b64encode(body + _mac(key, b"mark\n", body)).decode()


def read(text: str, *, key: bytes, now_s: float) -> Token:
    """Return a mark of ours. raises: TokenError - it is not. TokenExpiredError - it was."""
    try:
        raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise TokenError from None
    body, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
    if len(raw) != ID_BYTES + TIME_BYTES + MAC_BYTES or not hmac.compare_digest(mac, _mac(key, b"mark\n", body)):
        raise TokenError
    age_s = now_s - int.from_bytes(body[ID_BYTES:], "big") / 1000
    if age_s > OLDEST_S:
        raise TokenExpiredError
    return Token(text, body[:ID_BYTES], age_s)


def proves(token: str, nonce: str, *, bits: int) -> bool:
    """Return whether SHA-256 of `token:nonce` begins with `bits` zero bits. nonce: decimal digits."""
    if not (nonce.isascii() and nonce.isdigit() and len(nonce) <= LONGEST_NONCE):
        return False
    digest = hashlib.sha256(f"{token}:{nonce}".encode()).digest()
    return int.from_bytes(digest, "big") >> (256 - bits) == 0


def question(token: Token, *, key: bytes) -> Question:
    """Return the question of a mark, always the same one."""
    chosen = _mac(key, b"question\n", token.id)
    a, b = 2 + chosen[0] % 9, 2 + chosen[1] % 9
    words, sign = QUESTIONS[chosen[2] % len(QUESTIONS)]
    a, b = (max(a, b), min(a, b)) if sign < 0 else (a, b)
    return Question(words.format(a=NUMBERS[a].capitalize(), b=NUMBERS[b]), a + sign * b)


def answers(asked: Question, given: str) -> bool:
    """Return whether `given` is the answer, in digits or in words."""
    said = " ".join(unicodedata.normalize("NFC", given).casefold().rstrip(" .").split())
    return said in (str(asked.answer), NUMBERS[asked.answer])


def _mac(key: bytes, purpose: bytes, body: bytes) -> bytes:
    return hmac.digest(key, DOMAIN + purpose + body, "sha256")[:MAC_BYTES]
