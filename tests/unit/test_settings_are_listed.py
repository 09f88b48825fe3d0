"""`.env.example` names every setting, and nothing that is no setting."""

import importlib
import importlib.util
import re
from pathlib import Path

from pydantic_settings import BaseSettings

from dondoc.stack.layout import SERVICES

ROOT = Path(__file__).resolve().parents[2]


def settings() -> set[str]:
    """Return the environment variable of every field of every settings class."""
    found = set()
    for name in ("shared.settings", *(f"services.{service}.settings" for service in SERVICES)):
        if importlib.util.find_spec(name) is None:
            continue
        for kind in vars(importlib.import_module(name)).values():
            if isinstance(kind, type) and issubclass(kind, BaseSettings) and kind is not BaseSettings:
                prefix = kind.model_config.get("env_prefix", "")
                found |= {f"{prefix}{field}".upper() for field in kind.model_fields}
    return found


def test_env_example_lists_every_setting_and_nothing_else() -> None:
    listed = set(re.findall(r"^(?:# )?(DONDOC_[A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    of_commands = {"DONDOC_INTAKE_DATABASE_URL", "DONDOC_INTAKE_URL"}  # read by `dondoc`, not by a service
    of_compose = set(re.findall(r"\$\{(DONDOC_[A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    assert listed - of_commands == settings() | of_compose
