"""How an event is written: CloudEvents 1.0 in structured mode, one JSON document, parsed and validated once.

A subject is `<owner>.<snake_case>.v<n>`, worked out from the class; the version rises only when a meaning changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared import tracing

EVENTS: dict[str, type[Event]] = {}

Id = Annotated[str, Field(min_length=1, max_length=200)]
# an instant at +07:00, to the second or the microsecond: the order of the texts is the order of the times
Canonical = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+07:00$")]


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Event(BaseModel):
    """Base of every event; a subclass that names its `owner` is registered under its subject."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    owner: ClassVar[str] = ""
    version: ClassVar[int] = 1

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if cls.owner:
            EVENTS[cls.subject()] = cls

    @classmethod
    @cache
    def subject(cls) -> str:
        """Return the NATS subject, which is also the CloudEvents type."""
        return f"{cls.owner}.{_snake(cls.__name__)}.v{cls.version}"


E = TypeVar("E", bound=Event)


class Envelope(BaseModel, Generic[E]):
    """A CloudEvents 1.0 document."""

    model_config = ConfigDict(extra="ignore")
    specversion: Literal["1.0"]
    id: Id
    source: str
    type: str
    time: AwareDatetime
    subject: Id
    traceparent: str = tracing.NONE
    data: E


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message ready to be published. `id` is also its `Nats-Msg-Id`; other headers do not survive an outbox.

    trace: what caused it, as it stands in the body.
    """

    id: str
    subject: str
    body: bytes
    headers: Mapping[str, str] | None = None
    trace: str = tracing.NONE


def outgoing(
    event: type[Event],
    *,
    id: str,
    about: str,
    time: datetime,
    data: Mapping[str, Any] | Event,
    trace: str = tracing.NONE,
) -> Outgoing:
    """Encode one event.

    about: the id of what it speaks of (dossier, obligation, complaint, unit, notice).
    data: the event, or a mapping already in its shape (the hot path builds mappings; golden tests hold them to it).
    trace: of what caused it.
    """
    subject = event.subject()
    trace = tracing.child(trace, name=subject)
    document = {
        "specversion": "1.0",
        "id": id,
        "source": f"/dondoc/{event.owner}",
        "type": subject,
        "time": time,
        "subject": about,
        "datacontenttype": "application/json",
        **({tracing.HEADER: trace} if trace else {}),
        "data": data.model_dump(mode="json") if isinstance(data, Event) else data,
    }
    return Outgoing(id=id, subject=subject, body=orjson.dumps(document), trace=trace)


@cache
def _envelope_of(event: type[E]) -> type[Envelope[E]]:
    return Envelope[event]  # type: ignore[valid-type]


def decode(event: type[E], body: bytes) -> Envelope[E]:
    """Parse and validate one event. raises: pydantic.ValidationError - not such an event."""
    return _envelope_of(event).model_validate_json(body)
