"""Intake's settings: environment variables `DONDOC_INTAKE_…`."""

from __future__ import annotations

from datetime import time

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.secrets import SECRETS_DIR


class IntakeSettings(BaseSettings):
    """mirrors: sources that repeat what a one-stop system says (the national portal); comma-separated names.

    It holds for a source when it is first heard; afterwards its role in the register decides.
    signing_key: from which each source's secret for signatures is derived; empty: no source can sign.
    """

    model_config = SettingsConfigDict(env_prefix="DONDOC_INTAKE_", extra="ignore", secrets_dir=SECRETS_DIR)

    mirrors: str = ""
    max_body_bytes: int = Field(default=900_000, ge=1000, le=1_000_000)  # NATS refuses messages over 1 MiB
    max_objects: int = Field(default=10_000, ge=100)  # of one message: each may become a row
    signing_key: SecretStr = SecretStr("")
    source_objects_per_minute: int = Field(default=60_000, ge=0)  # over HTTP; 0 = no limit; a province has 20 a minute
    source_bytes_per_minute: int = Field(default=256 << 20, ge=0)  # likewise, unpacked
    silence_after_days: int = Field(default=3, ge=1, le=42)  # on which a source spoke, before it may be called silent
    silence_new_minutes: int = Field(default=480, ge=10)  # open minutes allowed to a source that has little history
    silence_floor_minutes: int = Field(default=30, ge=1)  # of its own hours; a shorter silence is never told
    silence_factor: float = Field(default=2, ge=1, le=100)  # times the longest silence usual at that hour

    # days of reception that each night are looked at for what is missing; 0: none, only on demand
    quality_days: int = Field(default=30, ge=0, le=400)
    quality_at: time = time(2)  # local time of that look
    quality_grace_days: int = Field(default=1, ge=0, le=30)  # working days in which a source may complete what it says
    quality_tolerance_minutes: int = Field(default=15, ge=0, le=240)  # around opening hours; no law gives one

    def is_mirror(self, source: str) -> bool:
        return source in {name.strip() for name in self.mirrors.split(",")}
