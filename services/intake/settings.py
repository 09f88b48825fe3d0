"""Intake's settings: environment variables `DONDOC_INTAKE_…`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class IntakeSettings(BaseSettings):
    """mirrors: sources that repeat what a one-stop system says (the national portal); comma-separated names."""

    model_config = SettingsConfigDict(env_prefix="DONDOC_INTAKE_", extra="ignore")

    mirrors: str = ""
    max_body_bytes: int = Field(default=900_000, ge=1000, le=1_000_000)  # NATS refuses messages over 1 MiB

    def is_mirror(self, source: str) -> bool:
        return source in {name.strip() for name in self.mirrors.split(",")}
