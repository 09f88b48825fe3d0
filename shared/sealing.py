"""Sealing of what holds personal data at rest: Fernet (AES-128-CBC with HMAC-SHA256), under keys that may change."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class SealError(ValueError):
    """The keys cannot be used, or what is sealed was sealed under another key: see DONDOC_SEAL_KEYS."""


_keys: MultiFernet | None = None


def use(keys: str) -> None:
    """Seal under the first of `keys` from now on, and open what was sealed under any of them; empty: nothing is sealed.

    keys: of 32 bytes in URL-safe base64, separated by commas, the newest first.
    raises: SealError - one is no such key.
    """
    global _keys
    given = [key.strip() for key in keys.split(",") if key.strip()]
    try:
        _keys = MultiFernet([Fernet(key) for key in given]) if given else None
    except ValueError:
        raise SealError("DONDOC_SEAL_KEYS: a key is 32 bytes in URL-safe base64 (deploy/make-secrets.sh)") from None


def seal(plain: bytes) -> tuple[bytes, bool]:
    """Return what to store, and whether it is sealed."""
    return (_keys.encrypt(plain), True) if _keys else (plain, False)


def unseal(stored: bytes, *, sealed: bool) -> bytes:
    """Return what was sealed. raises: SealError - none of the keys opens it."""
    if not sealed:
        return stored
    try:
        if _keys:
            return _keys.decrypt(stored)
    except InvalidToken:
        pass
    raise SealError("sealed under a key that is not among DONDOC_SEAL_KEYS")
