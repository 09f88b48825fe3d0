"""`.env.example` names every setting, and nothing that is no setting."""

import re
from pathlib import Path

from dondoc.stack.settings import classes, variable

ROOT = Path(__file__).resolve().parents[2]


def settings() -> set[str]:
    """Return the environment variable of every field of every settings class."""
    return {variable(kind, field) for kind in classes() for field in kind.model_fields}


def test_env_example_lists_every_setting_and_nothing_else() -> None:
    listed = set(re.findall(r"^(?:# )?(DONDOC_[A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    of_commands = {
        "DONDOC_INTAKE_DATABASE_URL",
        "DONDOC_INTAKE_NATS_URL",
        "DONDOC_INTAKE_URL",
    }  # read by `dondoc`, not by a service
    of_compose = set(re.findall(r"\$\{(DONDOC_[A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    assert listed - of_commands == settings() | of_compose
