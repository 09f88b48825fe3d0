"""Envelope and vault as the settings give them. Both are light: they are made where they are needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from services.complaints.secrecy.envelope import Envelope
from services.complaints.secrecy.vault import Limits, Vault

if TYPE_CHECKING:
    from services.complaints.settings import Settings
    from shared.service import Running


def envelope_of(settings: Settings) -> Envelope:
    """Return the envelope of an installation. raises: KeysError - DONDOC_COMPLAINTS_IDENTITY_KEYS cannot be used."""
    return Envelope.of(settings.complaints_identity_keys.get_secret_value())


def folder_of(settings: Settings) -> Path:
    """Return the folder of attachments."""
    return settings.complaints_attachments or settings.data / "attachments"


def vault_of(settings: Settings) -> Vault:
    """Return the vault of an installation. raises: KeysError."""
    limits = Limits(
        files=settings.complaints_attachment_files,
        file_bytes=settings.complaints_attachment_bytes,
        total_bytes=settings.complaints_attachments_bytes,
    )
    return Vault(folder_of(settings), envelope_of(settings), limits)


def settings_of(running: Running) -> Settings:
    """Return the settings of a running complaints."""
    return cast("Settings", running.settings)
