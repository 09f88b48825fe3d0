"""Structured logs: one JSON object a line on stderr. Never personal data, secrets or the text of a feedback."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import orjson
import structlog
from pydantic import ValidationError

from shared import tracing

log: structlog.stdlib.BoundLogger = structlog.get_logger()

TRACES_A_LINE = 250
LONGEST = 300  # letters of an error's own words
HARMLESS = ("nats", "shared", "dondoc")  # packages whose errors repeat no value of a message or a row


def told(error: BaseException) -> str:
    """Return what a log may say of an error: its kind, and its own words only where these repeat no data.

    A database repeats the refused row or argument, validation its input, `ValueError` mostly what could not be read.
    """
    cause = getattr(error, "orig", None) or error  # SQLAlchemy's errors carry the driver's
    kind, state = type(cause).__name__, getattr(cause, "sqlstate", None)
    if state:
        return f"{kind} {state}"
    if isinstance(error, ValidationError):
        places = (".".join(map(str, one["loc"])) for one in error.errors(include_input=False, include_url=False))
        return f"{kind} at {', '.join(places)}"[:LONGEST]
    harmless = isinstance(error, OSError) or type(error).__module__.partition(".")[0] in HARMLESS
    return f"{kind}: {error}"[:LONGEST] if harmless and str(error) else kind


def log_traces(level: Literal["info", "warning"], event: str, traces: Iterable[str], **fields: Any) -> None:
    """Log which traces something is about, in several lines where there are many: engines cut a line at 16 kB."""
    ids = tracing.ids(traces)
    for start in range(0, max(len(ids), 1), TRACES_A_LINE):
        getattr(log, level)(event, **fields, traces=ids[start : start + TRACES_A_LINE])


def _traceback(exc_info: structlog.typing.ExcInfo) -> str:
    """Return the lines of code of an error and of those it came from, the first one first, each as `told`."""
    return "".join(part for error in reversed([*_chain(exc_info[1])]) for part in _lines(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _lines(error: BaseException) -> Iterator[str]:
    yield from traceback.format_tb(error.__traceback__)
    yield f"{told(error)}\n"


def set_up(*, service: str, level: str) -> None:
    """Send all logs, the libraries' too, to stderr as JSON lines that name the service."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(_traceback),
    ]
    structlog.contextvars.bind_contextvars(service=service)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    render = structlog.processors.JSONRenderer(serializer=lambda value, **_: orjson.dumps(value, default=str).decode())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in ("uvicorn.access", "nats", "httpx"):
        logging.getLogger(noisy).setLevel("WARNING")
