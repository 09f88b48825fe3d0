"""Settings that every program reads from its environment. Each service adds a class with its own prefix."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, FilePath, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.secrets import SECRETS_DIR


class Settings(BaseSettings):
    """What all programs share; environment variables `DONDOC_…`, else files of those names in /run/secrets."""

    model_config = SettingsConfigDict(env_prefix="DONDOC_", extra="ignore", secrets_dir=SECRETS_DIR)

    nats_url: str = "nats://127.0.0.1:4222"
    nats_ca: FilePath | None = None  # certificate of the authority behind a tls:// address; none: those of the system
    database_url: str = "postgresql://127.0.0.1:5432/dondoc"
    data: Path = Path("var")
    http_host: str = "127.0.0.1"  # loopback unless configured
    http_port: int = Field(default=8000, ge=0, le=65535)
    http_connections: int = Field(default=1000, ge=10)  # at once; more are answered 503
    http_bodies_bytes: int = Field(default=128 << 20, ge=1 << 20)  # of all requests in memory at once; more: 503
    api_key: SecretStr = SecretStr("")  # empty refuses every call that needs a key
    clock: Literal["live", "driven"] = "live"  # driven: business time moves by ticks (demo, replay, tests)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    stream_max_bytes: int = Field(default=2 << 30, ge=1 << 20)  # a stream's bound on disk; full refuses new ones
    observe_seconds: float = Field(default=15, ge=0.2, le=3600)  # between two samples of the gauges in /metrics
    seal_keys: SecretStr = SecretStr("")  # what is quarantined is sealed under the first; empty: stored as it came
    quarantine_days: int = Field(default=180, ge=1, le=3650)  # a closed entry's bytes are kept; its line always is
    quarantine_patience_hours: int = Field(default=72, ge=1, le=8760)  # an entry may wait until somebody is told
    database_pool: int = Field(default=6, ge=2, le=100)  # connections a process may hold


def database_dsn(url: str) -> str:
    """Return `url` in SQLAlchemy's form for asyncpg; accepts plain `postgresql://…`."""
    scheme, rest = url.split("://", 1)
    if scheme not in ("postgres", "postgresql", "postgresql+asyncpg"):
        raise ValueError(f"not a PostgreSQL URL: {scheme}://…")
    return f"postgresql+asyncpg://{rest}"
