"""What keeps a flood from the officers' desk, by address and by form. Pure: time and chance come in.

An address may file so often for nothing, then with some work for each, then not before a while. Of what was written
only digests under the key are remembered, and for minutes. Each process of the service counts for itself.
"""

from __future__ import annotations

import hmac
import ipaddress
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.complaints.web import tokens
from services.complaints.web.tokens import Question, Token
from shared.allowance import Allowance

REPEATS_S = 600.0  # the same words from one address within it are a repeat
REMEMBERED = 50_000  # texts; the oldest is forgotten first
WRONG_PER_MINUTE = 5  # answers that may be wrong, from one address
NETWORK_OF_ONE = 64  # bits of IPv6 that one line has for itself


@dataclass(frozen=True, slots=True)
class Limits:
    """free, most: filings a minute from one address, without work and at all. 0 = no limit.

    looks: look-ups, and as many readings of what is published.
    bits: of the work.
    """

    free: int
    most: int
    bits: int
    looks: int = 0


@dataclass
class Guard:
    """Decides by what came before. at_s: any clock that only grows; now_s: Unix time of the machine."""

    limits: Limits
    key: bytes
    _free: Allowance = field(default_factory=Allowance)
    _most: Allowance = field(default_factory=Allowance)
    _wrong: Allowance = field(default_factory=Allowance)
    _looks: Allowance = field(default_factory=Allowance)
    _reads: Allowance = field(default_factory=Allowance)
    _texts: dict[bytes, float] = field(default_factory=dict)

    def wait_s(self, address: str, *, at_s: float) -> float:
        """Count an attempt to file; return how long the address has to wait first, 0 where it may go on."""
        source = source_of(address)
        wrong = self._wrong.wait_s(source, per_minute=WRONG_PER_MINUTE, at_s=at_s, count=False)
        return wrong or self._most.wait_s(source, per_minute=self.limits.most, at_s=at_s)

    def look_wait_s(self, address: str, *, at_s: float) -> float:
        """Count a look-up, or what else its sender does with a feedback; return how long to wait first."""
        return self._looks.wait_s(source_of(address), per_minute=self.limits.looks, at_s=at_s)

    def read_wait_s(self, address: str, *, at_s: float) -> float:
        """Count a reading of what is published; return how long to wait first. It takes no look-up from anybody."""
        return self._reads.wait_s(source_of(address), per_minute=self.limits.looks, at_s=at_s)

    def free_wait_s(self, address: str, *, at_s: float, count: bool) -> float:
        """Return how long until this address may file without work; 0 = now. count: it then files; False only looks."""
        return self._free.wait_s(source_of(address), per_minute=self.limits.free, at_s=at_s, count=count)

    def is_proof(self, token: Token, *, nonce: str, answer: str) -> bool:
        """Return whether work was done for this form: a number was found, or its question answered."""
        if nonce:
            return tokens.proves(token.text, nonce, bits=self.limits.bits)
        return bool(answer) and tokens.answers(tokens.question(token, key=self.key), answer)

    def note_wrong(self, address: str, *, at_s: float) -> None:
        """Count a wrong answer: their number is limited, as a question may be guessed."""
        self._wrong.wait_s(source_of(address), per_minute=WRONG_PER_MINUTE, at_s=at_s)

    def issue(self, id: bytes, *, now_s: float) -> str:
        return tokens.issue(key=self.key, id=id, now_s=now_s)

    def read(self, token: str, *, now_s: float) -> Token:
        """raises: TokenError."""
        return tokens.read(token, key=self.key, now_s=now_s)

    def question(self, token: Token) -> Question:
        return tokens.question(token, key=self.key)

    def digest(self, *words: str) -> bytes:
        """Return what tells these words from others and gives none of them away without the key."""
        joined = b"".join(len(word.encode()).to_bytes(4, "big") + word.encode() for word in words)
        return hmac.digest(self.key, b"dondoc text v1\n" + joined, "sha256")[:16]

    def is_repeat(self, address: str, words: Sequence[str], *, at_s: float) -> bool:
        """Return whether this address sent the same minutes ago; if not, remember that it does now.

        words: of all fields: in one place many write the same few words about dossiers of their own.
        """
        digest = self._of_words(address, words)
        while self._texts:
            oldest = next(iter(self._texts))
            if len(self._texts) <= REMEMBERED and at_s - self._texts[oldest] < REPEATS_S:
                break
            del self._texts[oldest]
        if digest in self._texts:
            return True
        self._texts[digest] = at_s
        return False

    def forget(self, address: str, words: Sequence[str]) -> None:
        """They were not stored after all: they are no repeat when they come again."""
        self._texts.pop(self._of_words(address, words), None)

    def _of_words(self, address: str, words: Sequence[str]) -> bytes:
        plain = (" ".join(unicodedata.normalize("NFC", word).casefold().split()) for word in words)
        return self.digest(source_of(address), *plain)


def source_of(address: str) -> str:
    """Return what counts as one sender: an address, of IPv6 the network that one line has."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, NETWORK_OF_ONE), strict=False))
    return str(found)
