"""Settings of the console."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shared import settings


class Settings(settings.Settings):
    """Environment variables `DONDOC_…`, those of this service alone `DONDOC_CONSOLE_…`."""

    notify_send: Literal["record", "allowlist", "live"] = "record"  # notify's own setting, shown in the header
    console_session_hours: int = Field(default=12, ge=1, le=168)  # a working day; then the key is asked for again
