"""What a row of a table can become, and which fields it then has: read off the models of intake's formats. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from services.intake import national, source_census
from services.intake.oversight import statement
from services.intake.own import words
from services.intake.own.types import TYPES

# since: an instant that a date alone means too, as its beginning. mark: true or false
Kind = Literal["text", "instant", "since", "date", "number", "mark"]


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a column can say. name: its member in the message. part: of the message, "" for its data."""

    kind: Kind
    name: str
    required: bool = False
    part: Literal["", "envelope", "supplement"] = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of message. word: its service (national) or type (facts)."""

    format: Literal["national", "facts"]
    word: str
    fields: Mapping[str, Field]


def _kind(of: FieldInfo) -> Kind | None:
    """Return how a field is written, None for one that is no single value."""
    validators = [one.func for one in of.metadata if isinstance(one, BeforeValidator)]
    if national.instant in validators or words.moment in validators:
        return "instant"
    if statement.happened in validators:
        return "since"
    if words.end_of_day in validators:
        return "date"
    inner = set(_leaves(of.annotation))
    strict = any(getattr(one, "strict", False) for one in of.metadata)
    if int in inner and strict:  # elsewhere numbers are sent as texts
        return "number"
    if bool in inner:
        return "mark"
    return None if any(get_origin(part) or _is_model(part) for part in inner) else "text"


def _leaves(annotation: Any) -> Iterator[Any]:
    """Yield the types, or the values, that a field may have."""
    origin = get_origin(annotation)
    if origin is Literal:
        yield from get_args(annotation)
    elif origin in (Annotated, Union, UnionType):
        inner = get_args(annotation)
        for part in inner[:1] if origin is Annotated else inner:
            yield from _leaves(part)
    else:
        yield annotation


def _is_model(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)


def _fields(model: type[BaseModel], **more: Any) -> dict[str, Field]:
    named = {name: (of, _kind(of)) for name, of in model.model_fields.items()}
    return {
        name: Field(kind, of.alias or name, required=of.is_required(), **more)
        for name, (of, kind) in named.items()
        if kind
    }


def _national() -> dict[str, Target]:
    sent = {"sent_at": Field("instant", "sent_at", part="envelope")}
    supplement = {
        f"supplement_{name}": field for name, field in _fields(national.Supplement, part="supplement").items()
    }
    snapshot, step = _fields(national.Snapshot), _fields(national.Step)
    return {
        "snapshot": Target("national", national.SNAPSHOT, snapshot | supplement | sent),
        "step": Target("national", national.STEP, step | sent),
    }


def _facts() -> dict[str, Target]:
    envelope = {
        "subject": Field("text", "subject", required=True, part="envelope"),
        "time": Field("instant", "time", part="envelope"),
    }
    return {
        word: Target("facts", word, envelope | _fields(shape.model_fields["data"].annotation))  # type: ignore[arg-type]
        for word, shape in TYPES.items()
        if word not in source_census.TYPES  # a row is one thing, a census is a whole table: `dondoc census load`
    }


TARGETS: Mapping[str, Target] = MappingProxyType(_national() | _facts())
