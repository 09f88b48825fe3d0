"""Settings of complaints."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from shared import settings


class Settings(settings.Settings):
    """Environment variables `DONDOC_…`, those of this service alone `DONDOC_COMPLAINTS_…`."""

    complaints_filings_per_minute: int = Field(default=30, ge=0)
    """Filings from one address without more ado, 0 = no limit; offices share one. Beyond, each costs some work."""

    complaints_filings_per_minute_at_most: int = Field(default=120, ge=0)  # with work; 0 = no limit
    complaints_work_bits: int = Field(default=18, ge=0, le=30)
    """Zero bits that the work for a filing has to find: 18 take a phone some seconds, each more doubles that."""

    complaints_lookups_per_minute: int = Field(default=120, ge=0)  # likewise; also readings of what is published

    complaints_identity_keys: SecretStr = SecretStr("")
    """Under the first of these keys (32 bytes in URL-safe base64, between commas) who wrote a feedback, restricted
    texts and attachments are sealed; the others open what was sealed before. Without one the service does not start.
    """

    complaints_attachments: Path | None = None  # folder of the sealed files; none: `attachments` in DONDOC_DATA
    complaints_attachment_files: int = Field(default=5, ge=0, le=100)  # of one feedback
    complaints_attachment_bytes: int = Field(default=10 << 20, ge=1 << 10, le=1 << 30)  # of one file
    complaints_attachments_bytes: int = Field(default=30 << 20, ge=1 << 10, le=1 << 32)  # of all its files

    complaints_policy: Path | None = None  # YAML of what is owed and until when; none: what the program carries
    complaints_routes: Path | None = None  # YAML of which unit gets what; none: what the program carries
