"""Notify's settings: environment variables `DONDOC_NOTIFY_…`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.notify.addressing.numbers import number
from shared.secrets import SECRETS_DIR

Mode = Literal["record", "allowlist", "live"]


class NotifySettings(BaseSettings):
    """What may leave the house, through which relay, under which name."""

    model_config = SettingsConfigDict(
        env_prefix="DONDOC_NOTIFY_", extra="ignore", secrets_dir=SECRETS_DIR, populate_by_name=True
    )

    send: Mode = "record"  # record: computed, stored and shown, never sent
    allowlist: str = ""  # addresses, domains, numbers, comma-separated; only these get notices in mode allowlist
    policy: Path | None = None  # a policy file; none: the one the program carries
    console_url: str = Field(default="", pattern=r"^(https?://\S+)?$")  # that heads reach; empty: no link in notices
    sender: str = "Đôn đốc <dondoc@example.vn>"
    message_id_domain: str = Field(default="dondoc.example.vn", pattern=r"^[A-Za-z0-9.-]+$")
    providers: Path | None = None  # a file of providers, in place of the single relay and gateway below
    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=25, ge=1, le=65535)
    smtp_username: str = ""  # empty: no login
    smtp_password: SecretStr = SecretStr("")
    smtp_starttls: bool = False  # true: refuse to send without it
    smtp_timeout_s: float = Field(default=30, gt=0, le=300)
    sms_gateway: str = ""  # kannel, esms, speedsms, or a file that describes another; empty: no SMS
    sms_url: str = Field(default="", pattern=r"^(https?://.*)?$")  # in place of the gateway's own address
    sms_username: str = ""
    sms_password: SecretStr = SecretStr("")
    sms_sender: str = "DonDoc"
    sms_timeout_s: float = Field(default=20, gt=0, le=50)
    receipts_url: str = Field(
        default="", pattern=r"^(https?://[^?#\s]*[^/?#\s])?$"
    )  # of notify, as a gateway reaches it
    receipts_key: SecretStr = SecretStr("")  # of tokens and proofs, and of the marks of addresses; empty: none is right
    bounces: Path | None = (
        None  # a Maildir into which the relay puts bounces; none: they come by `dondoc notify bounce`
    )
    bounce_address: str = Field(default="", pattern=r"^([^@+\s]+@[A-Za-z0-9.-]+)?$")  # return path, extended by `+…`

    public_url: str = Field(default="", pattern=r"^(https?://\S+)?$")  # where heads reach notify; empty: no links
    link_keys: SecretStr = SecretStr("")  # links are signed under the first; the others are accepted
    link_days: int = Field(default=14, ge=1, le=90)  # for which a link is good
    answers_per_minute: int = Field(default=60, ge=0)  # calls by one link; without one by an address; 0 = no limit

    def allows(self, address: str) -> bool:
        """Return whether the allow-list names an address, its domain, or a number however it is written."""
        listed = {entry.strip().lower().removeprefix("@") for entry in self.allowlist.split(",")} - {""}
        numbers = {number(entry) for entry in listed} - {None}
        return number(address) in numbers or not listed.isdisjoint(
            {address.lower(), address.lower().rpartition("@")[2]}
        )
