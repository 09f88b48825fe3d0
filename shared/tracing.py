"""One trace id follows what a message causes, from the feed to the notice: in events, in log lines, in spans.

A trace is carried as a W3C `traceparent` (https://www.w3.org/TR/trace-context/), in events as the CloudEvents extension
of that name. Ids are carried always; spans are made only where OTEL_EXPORTER_OTLP_ENDPOINT names a collector, and of
the share of traces that OTEL_TRACES_SAMPLER_ARG says (0 to 1, else all).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from shared.clock import machine_ns

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

HEADER = "traceparent"
NONE = ""  # of what nothing outside caused
ENDPOINT, RATIO = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER_ARG"
SAMPLED = 1
_PATTERN = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_open: ContextVar[tuple[int, list[Span]] | None] = ContextVar("open_spans", default=None)
_provider: TracerProvider | None = None
_sampled_below = 0  # of the lower 64 bits of a trace id


def set_up(*, service: str) -> None:
    """Send spans to the collector that the environment names; without one, make none."""
    global _provider, _sampled_below  # like the log, one for the process
    if not os.environ.get(ENDPOINT):
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased

    # what is sampled is decided where a trace begins, and carried with it
    _provider = TracerProvider(ParentBased(ALWAYS_OFF), Resource.create({"service.name": f"dondoc-{service}"}))
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _sampled_below = round(float(os.environ.get(RATIO) or 1) * 2**64)


def shut_down() -> None:
    """Send what is left."""
    if _provider is not None:
        _provider.shutdown()


def begun(seed: str) -> str:
    """Return the trace that begins at a thing named `seed`: the same however often it comes."""
    return of_id(hashlib.blake2b(seed.encode(), digest_size=16).hexdigest())


def of_id(trace_id: str) -> str:
    """Return the traceparent of a trace known by its id alone."""
    sampled = int(trace_id[16:], 16) < _sampled_below
    return f"00-{trace_id}-{trace_id[:16]}-{sampled:02x}"


def received(headers: Mapping[str, str], *, seed: str) -> str:
    """Return the trace that a caller or a source names in its headers, else the one that begins here."""
    named = headers.get(HEADER, "")
    return named if _PATTERN.fullmatch(named) else begun(seed)


def id_of(trace: str | None) -> str:
    """Return the 32 hexadecimal digits of a trace; empty where there is none."""
    found = _PATTERN.fullmatch(trace or NONE)
    return found[1] if found else NONE


def ids(traces: Iterable[str]) -> list[str]:
    """Return the distinct ids, in order, for a log line."""
    return [id for id in dict.fromkeys(map(id_of, traces)) if id]


def child(trace: str, *, name: str) -> str:
    """Return the trace as the next hearer gets it: with a span of its own, where this trace is sampled."""
    opened, found = _open.get(), _PATTERN.fullmatch(trace) if _provider else None
    if _provider is None or opened is None or found is None or not int(found[3], 16) & SAMPLED:
        return trace
    from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context

    parent = SpanContext(int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=TraceFlags(SAMPLED))
    began_ns, spans = opened
    span = _provider.get_tracer("dondoc").start_span(
        name, set_span_in_context(NonRecordingSpan(parent)), SpanKind.CONSUMER, start_time=began_ns
    )
    spans.append(span)
    return f"00-{found[1]}-{span.get_span_context().span_id:016x}-01"


@contextmanager
def spans() -> Iterator[None]:
    """End the spans that begin in the block together with it: they are parts of one transaction, or of one sending."""
    of_block: list[Span] = []
    began = _open.set((machine_ns(), of_block))
    try:
        yield
    except BaseException as error:
        for span in of_block:
            _mark_failed(span, error)
        raise
    finally:
        _open.reset(began)
        for span in of_block:
            span.set_attribute("messaging.batch.message_count", len(of_block))
            span.end()


def _mark_failed(span: Span, error: BaseException) -> None:
    """Name the kind of error: its words may hold values."""
    from opentelemetry.trace import Status, StatusCode

    span.set_status(Status(StatusCode.ERROR, type(error).__name__))
