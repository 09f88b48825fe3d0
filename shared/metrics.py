"""Prometheus metrics that every service exports. No label ever holds the id of a dossier, unit or person."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

events = Counter("dondoc_events", "Messages by what became of them", ["stream", "outcome"])
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
outbox_pending = Gauge("dondoc_outbox_pending", "Events committed and not yet in the stream")
quarantined = Counter("dondoc_quarantined", "Entries put into quarantine", ["reason"])
timer_lag = Gauge("dondoc_timer_lag_seconds", "How late the sweep fired the latest timer")
notices = Counter("dondoc_notices", "Notices by channel and what became of them", ["channel", "outcome"])
