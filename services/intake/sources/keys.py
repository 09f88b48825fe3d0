"""Keys of sources and the signatures made with them: made, told apart, compared. Pure.

A key is 256 random bits, so a fast hash of it is as good as a slow one: nobody can try them out, and a call costs
microseconds. A signature needs a secret that can be had again, which no hash gives: it is derived from the
installation's signing key and the id of the source's key, so that nothing of it is stored. source: RFC 2104 (HMAC).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Literal

SIGNATURE_HEADER = "Dondoc-Signature"
TOLERANCE_S = 300  # between the sender's clock and ours, the transport included
SECRET_BYTES = 32
NOBODY = hashlib.sha256(b"no key has this digest").digest()  # compared with where there is no key, for equal time
_SIGNATURE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")
_KEY = re.compile(r"dk_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")

Fault = Literal["unsigned", "signature_expired", "wrong_signature"]


def new_key() -> tuple[str, str]:
    """Return the id of a new key, which is no secret, and the key `dk_<id>_<43 characters>` itself."""
    id = secrets.token_hex(6)
    return id, f"dk_{id}_{secrets.token_urlsafe(SECRET_BYTES)}"


def id_of(key: str) -> str | None:
    """Return the id in a key, None where it is none of ours."""
    found = _KEY.fullmatch(key)
    return found[1] if found else None


def digest(key: str) -> bytes:
    """Return what is stored of a key."""
    return hashlib.sha256(key.encode()).digest()


def signing_secret(signing_key: str, key_id: str) -> str:
    """Return the secret with which the holder of a key signs. signing_key: the installation's, not empty."""
    return hmac.new(signing_key.encode(), b"dondoc source signature " + key_id.encode(), "sha256").hexdigest()


def signature(secret: str, body: bytes, *, at_s: int) -> str:
    """Return the header's value: HMAC-SHA256 over `<at_s>.<body as sent>`. at_s: seconds since 1970."""
    mac = hmac.new(secret.encode(), b"%d." % at_s + body, "sha256")
    return f"t={at_s},v1={mac.hexdigest()}"


def signature_fault(header: str, secret: str, body: bytes, *, now_s: float) -> Fault | None:
    """Return what is wrong with a signature, None where it holds.

    A call that is caught and sent again within the tolerance says what was said before, which changes nothing: every
    message is heard as often as one likes. After the tolerance it is refused. So no list of calls is kept.
    """
    found = _SIGNATURE.fullmatch(header)
    if not found:
        return "unsigned"
    at_s = int(found[1])
    if not hmac.compare_digest(signature(secret, body, at_s=at_s), header):
        return "wrong_signature"
    return None if abs(now_s - at_s) <= TOLERANCE_S else "signature_expired"
