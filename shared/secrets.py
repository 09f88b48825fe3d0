"""Secrets as files: one of a setting's name in small letters stands in for its environment variable."""

from __future__ import annotations

import os
from pathlib import Path

KEY_HEADER = "X-API-Key"  # in which a caller over HTTP gives the key of the installation
MOUNTED = Path("/run/secrets")  # where Docker and Compose put them
SECRETS_DIR = MOUNTED if os.access(MOUNTED, os.R_OK | os.X_OK) else None  # for settings classes


def take_secret_files(folder: Path | None = SECRETS_DIR) -> None:
    """Put the files `dondoc_…` of `folder` into this process's environment; a variable that is set stays."""
    for file in folder.glob("dondoc_*") if folder else ():
        os.environ.setdefault(file.name.upper(), file.read_text().strip())
