"""Envelopes: each thing is sealed under a data key of its own, and that under a key of the installation. Pure.

AES-256-GCM throughout. A sealed thing is one blob: version (1), id of the installation's key (8), nonce (12) and
wrapped data key (48), nonce (12), ciphertext with its tag. A change of keys rewraps the data key
and leaves the ciphertext.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SETTING = "DONDOC_COMPLAINTS_IDENTITY_KEYS"
VERSION = b"\x01"
KEY, KEY_ID, NONCE, TAG = 32, 8, 12, 16  # bytes
ID_AT, WRAP_AT = 1, 1 + KEY_ID
BODY_AT = WRAP_AT + NONCE + KEY + TAG
OVERHEAD = BODY_AT + NONCE + TAG  # bytes that a blob is longer than what it seals


class KeysError(ValueError):
    """The keys of the installation are missing or wrong; the message says what to do."""


class SealError(ValueError):
    """What is sealed cannot be opened: damaged, another row's, or sealed under a key that is not among the keys."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The keys of the installation by their ids, the newest first."""

    keys: dict[bytes, AESGCM]

    @classmethod
    def of(cls, setting: str) -> Envelope:
        """Return the envelope of a setting: keys of 32 bytes in URL-safe base64 between commas, the newest first.

        raises: KeysError - there is none, or one is no such key.
        """
        given = [_key(one) for one in setting.split(",") if one.strip()]
        if not given:
            raise KeysError(
                f"{SETTING} is not set: feedback cannot be taken without a key that seals who wrote it; "
                "make one with deploy/make-secrets.sh, or start by `dondoc up`, which makes one"
            )
        return cls({_id(key): AESGCM(key) for key in given})

    @property
    def newest(self) -> bytes:
        """The id of the key under which is sealed."""
        return next(iter(self.keys))

    def seal(self, plain: bytes, *, about: str) -> bytes:
        """Return a blob. about: what it belongs to, such as `PA-…/text`; it opens only under the same words."""
        data_key, nonce = secrets.token_bytes(KEY), secrets.token_bytes(NONCE)
        return self._wrapped(data_key) + nonce + AESGCM(data_key).encrypt(nonce, plain, VERSION + about.encode())

    def open(self, blob: bytes, *, about: str) -> bytes:
        """Return what was sealed. raises: SealError."""
        data_key, body = self._unwrapped(blob), blob[BODY_AT:]
        try:
            return AESGCM(data_key).decrypt(body[:NONCE], body[NONCE:], VERSION + about.encode())
        except (InvalidTag, ValueError):
            raise SealError("what is sealed is damaged, or belongs to another row") from None

    def rewrap(self, blob: bytes) -> bytes | None:
        """Return the blob under the newest key, its ciphertext as it was; None where it is so already.

        raises: SealError.
        """
        if key_id(blob) == self.newest:
            return None
        return self._wrapped(self._unwrapped(blob)) + blob[BODY_AT:]

    def _wrapped(self, data_key: bytes) -> bytes:
        head, nonce = VERSION + self.newest, secrets.token_bytes(NONCE)
        return head + nonce + self.keys[self.newest].encrypt(nonce, data_key, head)

    def _unwrapped(self, blob: bytes) -> bytes:
        known = self.keys.get(key_id(blob))
        if known is None:
            raise SealError(f"sealed under the key {key_id(blob).hex()}, which is not in {SETTING}")
        wrapped = blob[WRAP_AT:BODY_AT]
        try:
            return known.decrypt(wrapped[:NONCE], wrapped[NONCE:], blob[:WRAP_AT])
        except (InvalidTag, ValueError):
            raise SealError("what is sealed is damaged: its key cannot be unwrapped") from None


def key_id(blob: bytes) -> bytes:
    """Return the id of the key that a blob is sealed under. raises: SealError - it is no blob of ours."""
    if len(blob) < OVERHEAD or blob[:ID_AT] != VERSION:
        raise SealError("no sealed thing of this version")
    return blob[ID_AT:WRAP_AT]


def _id(key: bytes) -> bytes:
    return hashlib.sha256(b"dondoc identity key " + key).digest()[:KEY_ID]


def _key(written: str) -> bytes:
    try:
        key = base64.b64decode(written.strip(), altchars=b"-_", validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY:
        raise KeysError(f"{SETTING}: a key is 32 bytes in URL-safe base64 (deploy/make-secrets.sh makes one)")
    return key
