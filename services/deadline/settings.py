"""Deadline's settings: environment variables `DONDOC_DEADLINE_…`."""

from __future__ import annotations

from datetime import time, timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.deadline.limits import Limit
from services.deadline.parts import Terms


class DeadlineSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="DONDOC_DEADLINE_", extra="ignore")

    near_hours: int = Field(default=24, ge=1, le=720)  # due soon, in hours before the due time
    # working hours in which an online filing is to be accepted, refused or sent back for more papers
    reception_hours: int = Field(default=8, ge=1, le=240)
    # calendar days after which a pause without a term of its own calls for a decision; no law gives a general one
    pause_days: int = Field(default=30, ge=1, le=3650)
    # a source's census is compared so long after its moment: news of what it counts may still be on their way
    reconcile_after_minutes: int = Field(default=15, ge=0, le=1440)
    census_at: time = time(6)  # local time of the daily census, before the first digest

    def terms(self) -> Terms:
        return Terms(
            near=timedelta(hours=self.near_hours),
            reception=Limit(self.reception_hours, "working_hours", "NĐ 118/2025/NĐ-CP Đ.17"),
            pause=Limit(self.pause_days, "calendar_days", "mức mặc định của hệ thống"),
        )
