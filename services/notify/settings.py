"""Notify's settings: environment variables `DONDOC_NOTIFY_…`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.secrets import SECRETS_DIR

Mode = Literal["record", "allowlist", "live"]


class NotifySettings(BaseSettings):
    """What may leave the house, through which relay, under which name."""

    model_config = SettingsConfigDict(env_prefix="DONDOC_NOTIFY_", extra="ignore", secrets_dir=SECRETS_DIR)

    send: Mode = "record"  # record: computed, stored and shown, never sent
    allowlist: str = ""  # addresses and domains, comma-separated; only these get mail in mode allowlist
    policy: Path | None = None  # a policy file; none: the one the program carries
    sender: str = "Đôn đốc <dondoc@example.vn>"
    message_id_domain: str = Field(default="dondoc.example.vn", pattern=r"^[A-Za-z0-9.-]+$")
    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=25, ge=1, le=65535)
    smtp_username: str = ""  # empty: no login
    smtp_password: SecretStr = SecretStr("")
    smtp_starttls: bool = False  # true: refuse to send without it
    smtp_timeout_s: float = Field(default=30, gt=0, le=300)

    def allows(self, address: str) -> bool:
        """Return whether the allow-list names an address or its domain."""
        listed = {entry.strip().lower().removeprefix("@") for entry in self.allowlist.split(",")} - {""}
        return not listed.isdisjoint({address.lower(), address.lower().rpartition("@")[2]})
