"""The register as it is looked up: which source may speak, by which key, and whether it only repeats. Pure."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.intake.sources import keys

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")  # of a source; a NATS login has the same
RESERVED = frozenset(("intake", "deadline", "complaints", "notify", "console", "operator", "tick"))  # logins of our own
Role = Literal["primary", "mirror"]


@dataclass(frozen=True, slots=True)
class Source:
    """A one-stop system, or what repeats one.

    role: a mirror's facts serve reconciliation where a primary has spoken. signed: calls need a signature too.
    watched: its silence raises an alarm. silent_after_minutes: minutes of its own hours, None = as learned from it.
    objects_per_minute, bytes_per_minute: None = the setting, 0 = no limit. how: who entered it, an operator or its own
    first message.
    """

    name: str
    title: str
    role: Role
    enabled: bool
    signed: bool
    watched: bool
    silent_after_minutes: int | None
    objects_per_minute: int | None
    bytes_per_minute: int | None
    how: Literal["operator", "heard"]
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a source; `digest` is all that is known of it. valid_until: None = until it is revoked."""

    id: str
    source: str
    digest: bytes
    made_at: datetime
    valid_until: datetime | None


@dataclass(frozen=True)
class Register:
    """All sources by name and all keys by id, as of one version."""

    sources: Mapping[str, Source]
    keys: Mapping[str, Key]

    @property
    def has_mirrors(self) -> bool:
        return any(source.role == "mirror" for source in self.sources.values())

    def may_speak(self, name: str) -> bool:
        """Return whether a source may speak; one that nobody registered may, until somebody says otherwise."""
        known = self.sources.get(name)
        return known is None or known.enabled

    def is_mirror(self, name: str, *, unless_known: bool) -> bool:
        """Return whether a source repeats what another says. unless_known: of one that nobody registered."""
        known = self.sources.get(name)
        return unless_known if known is None else known.role == "mirror"

    def key_fault(self, name: str, given: str, *, now: datetime) -> str | None:
        """Return why a key does not let its holder speak as a source, None where it does.

        The reason is for the audit alone. However it ends, one digest is made and one compared.
        """
        found = self.keys.get(keys.id_of(given) or "")
        same = hmac.compare_digest(keys.digest(given), found.digest if found else keys.NOBODY)
        source = self.sources.get(name)
        if source is None:
            return "unknown_source"
        if found is None or not same:
            return "wrong_key"
        if found.source != name:
            return "key_of_another_source"
        if found.valid_until is not None and found.valid_until <= now:
            return "expired_key"
        return None if source.enabled else "source_disabled"


NOBODY = Register({}, {})  # as before anybody was registered
