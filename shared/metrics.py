"""Prometheus metrics that services export. No label ever holds the id of a dossier, a unit or a person.

Gauges of state that several copies of a service share (queues, obligations) are the same in each: `max`, never `sum`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from prometheus_client import Counter, Gauge, Histogram, Info

SOURCES_AT_MOST = 500  # names of sources kept apart; a label must not grow without bound
OTHER_SOURCES = "other"
_sources: set[str] = set()

build = Info("dondoc_build", "What runs here")
build.info({"version": version("dondoc")})

# Messages and transactions
events = Counter("dondoc_events", "Messages by what became of them", ["stream", "outcome"])
said = Counter("dondoc_said", "Events committed for others to hear", ["type"])
batch_size = Histogram(
    "dondoc_batch_messages", "Messages of one transaction", ["stream"], buckets=(1, 2, 5, 10, 50, 100, 250, 500, 1000)
)
batch_seconds = Histogram(
    "dondoc_batch_seconds",
    "Duration of one transaction with its commit",
    ["stream"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
)
consumer_pending = Gauge("dondoc_consumer_pending", "Messages a durable has still to hear", ["stream"])
consumer_unacked = Gauge("dondoc_consumer_unacked", "Messages delivered and not yet acked", ["stream"])
consumer_stalled = Gauge("dondoc_consumer_stalled", "1 where messages wait and none arrives", ["stream"])

# What waits in the service's own tables
outbox_pending = Gauge("dondoc_outbox_pending", "Events committed and not yet in the stream")
outbox_oldest = Gauge("dondoc_outbox_oldest_seconds", "Age of the oldest event in the outbox; 0 where it is empty")
quarantined = Counter("dondoc_quarantined", "Entries put into quarantine", ["reason"])
quarantine_entries = Gauge("dondoc_quarantine_entries", "Entries that wait in quarantine", ["source", "reason"])
quarantine_oldest = Gauge(
    "dondoc_quarantine_oldest_seconds", "How long the oldest entry in quarantine has waited", ["source", "reason"]
)
quarantine_patience = Gauge("dondoc_quarantine_patience_seconds", "How long an entry may wait before somebody is told")
timer_lag = Gauge("dondoc_timer_lag_seconds", "Age of the oldest timer that is due and has not fired; 0 without one")
schema_bytes = Gauge("dondoc_schema_bytes", "Size of the service's tables and indexes on disk")

# Servers
ready = Gauge("dondoc_ready", "1 while the service is ready to work")
server_up = Gauge("dondoc_server_up", "1 while a server answers this service", ["server"])
clock_offset = Gauge("dondoc_clock_offset_seconds", "The database's clock less that of this machine")
stream_bytes = Gauge("dondoc_stream_bytes", "Bytes a stream holds, told by its owner", ["stream"])
stream_max_bytes = Gauge("dondoc_stream_max_bytes", "Bytes a stream may hold; full, it refuses new ones", ["stream"])
stream_messages = Gauge("dondoc_stream_messages", "Messages a stream holds", ["stream"])

# HTTP
http_requests = Counter("dondoc_http_requests", "Requests answered", ["method", "route", "status"])
http_seconds = Histogram(
    "dondoc_http_seconds",
    "Duration of a request until its answer began",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)

# intake
feed_objects = Counter("dondoc_feed_objects", "Objects of a source by what became of them", ["source", "outcome"])
feed_last_received = Gauge(
    "dondoc_feed_last_received_timestamp_seconds", "When the newest message taken of a source was stored", ["source"]
)
source_silent = Gauge(
    "dondoc_source_silent_seconds",
    "How long ago a source was last heard that is silent beyond what is usual",
    ["source"],
)
source_refusals = Counter(
    "dondoc_source_refusals", "Calls refused in a source's name, and whether an audit line was kept", ["why", "kept"]
)
quality_flags = Gauge("dondoc_quality_flags", "What of the reception is flagged as incomplete, by flag", ["flag"])

# deadline
obligations = Gauge("dondoc_obligations", "Obligations; timing is of the open ones", ["kind", "state", "timing"])
reconciliation_differences = Gauge(
    "dondoc_reconciliation_differences", "Dossiers of a source's newest census on which we differ", ["source", "reason"]
)

# notify
pressed = Gauge("dondoc_pressed", "Open escalations by level", ["level"])
notices = Counter("dondoc_notices", "Notices by channel and what became of them", ["channel", "outcome"])
receipts = Counter(
    "dondoc_receipts", "What providers said of notices, and what it was taken for", ["provider", "outcome"]
)
fallbacks = Counter("dondoc_fallbacks", "What was done about notices that did not arrive", ["channel", "done"])
notices_waiting = Gauge("dondoc_notices_waiting", "Notices stored and not yet taken by a relay", ["channel"])
notices_oldest = Gauge(
    "dondoc_notices_oldest_seconds", "Age of the oldest notice that no relay has taken; 0 without one", ["channel"]
)
provider_tries = Counter(
    "dondoc_provider_tries", "Notices handed to a provider, and its answer", ["provider", "outcome"]
)
provider_share = Gauge(
    "dondoc_provider_share", "Part of its share that a provider gets, 0 to 1: what this copy saw of it", ["provider"]
)
notices_maybe_doubled = Counter(
    "dondoc_notices_maybe_doubled", "Notices handed over again whose provider may have had them already", ["channel"]
)

sending_mode = Gauge("dondoc_sending_mode", "1 for what may leave the house now", ["mode"])
sending_paused = Gauge("dondoc_sending_paused", "1 while an operator has stopped all sending")
ledger_differences = Gauge(
    "dondoc_ledger_differences",
    "Where the morning's census and the notices differ, and still did 15 minutes later",
    ["kind"],
)


def source_label(source: str) -> str:
    """Return the label of a source: its name, or one for all beyond the bound."""
    if source not in _sources and len(_sources) >= SOURCES_AT_MOST:
        return OTHER_SOURCES
    _sources.add(source)
    return source


def set_all(gauge: Gauge, values: Mapping[Any, float]) -> None:
    """Set a gauge's values by label, so that what is no longer there is no longer told."""
    gauge.clear()
    for labels, value in values.items():
        gauge.labels(*((labels,) if isinstance(labels, str) else labels)).set(value)
