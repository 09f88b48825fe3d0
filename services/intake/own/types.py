"""Every type of our own format: of dossiers and duties, of oversight, and a source's census. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from services.intake import source_census, statements
from services.intake.oversight.statement import OVERSIGHT

TYPES: Mapping[str, type[BaseModel]] = {**statements.TYPES, **OVERSIGHT, **source_census.TYPES}
