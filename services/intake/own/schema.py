"""The JSON Schema of our own format, for those who write it. Pure."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from services.intake.own.types import TYPES

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "Facts of a dossier or a duty: one CloudEvents 1.0 document, or an array of them"


@cache
def schema() -> dict[str, Any]:
    """Return the schema of a message. What it lets pass may still not fit together (`due_at` beside `due_on`)."""
    of_models, whole = models_json_schema([(model, "validation") for model in TYPES.values()])
    events = []
    for type, model in TYPES.items():
        of_type = {"properties": {"type": {"const": type}}, "required": ["type"]}
        events.append({"title": type, "allOf": [of_models[(model, "validation")], of_type]})
    one = {"oneOf": events}
    return {
        "$schema": DIALECT,
        "title": TITLE,
        "anyOf": [{"$ref": "#/$defs/Event"}, {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Event"}}],
        "$defs": {**whole["$defs"], "Event": one},
    }
