"""Deadline's settings: environment variables `DONDOC_DEADLINE_…`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DeadlineSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="DONDOC_DEADLINE_", extra="ignore")

    near_hours: int = Field(default=24, ge=1, le=720)  # due soon, in hours before the due time (rules.md 1.6)
