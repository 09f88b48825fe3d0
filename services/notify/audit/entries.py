"""What of notify's doings is kept in the audit, as entries of the chain. Pure.

Never in it: names, addresses, numbers, texts. Units are codes, matters and notices are ids.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from shared.chain import Entry
from shared.cloudevents import Outgoing
from shared.events import EscalationClosed, EscalationRaised

# By the hundred in one transaction: an entry for all of them. The other events have one each.
GROUPED = {EscalationRaised.subject(): "raised", EscalationClosed.subject(): "closed"}


def of_events(said: Sequence[Outgoing]) -> list[Entry]:
    """Return the entries of what is said in one transaction, in that order, the escalations first."""
    documents = [orjson.loads(event.body) for event in said]
    escalations = [document for document in documents if document["type"] in GROUPED]
    others = [document for document in documents if document["type"] not in GROUPED]
    found = [_escalations(escalations)] if escalations else []
    return found + [
        Entry(_kind(one["type"]), one["subject"], datetime.fromisoformat(one["time"]), one["data"]) for one in others
    ]


def _kind(subject: str) -> str:
    """Return the name of an event: `notice_sent` of `notify.notice_sent.v1`."""
    return subject.split(".")[1]


def _escalations(documents: Sequence[Mapping[str, Any]]) -> Entry:
    """Return one entry of all levels raised and closed: obligation, its escalation's revision, level and unit."""
    groups: dict[str, list[list[Any]]] = {}
    for document in documents:
        told = document["data"]
        matter = [told["obligation_id"], told["revision"], told["level"], told["unit"]]
        groups.setdefault(GROUPED[document["type"]], []).append(matter)
    return Entry("escalations", "", datetime.fromisoformat(documents[0]["time"]), groups)


def policy(text: bytes, *, version: str, at: datetime) -> Entry:
    """Return that notify works by this policy file from now on. text: the file; `sha256sum` gives the same."""
    return Entry("policy", version, at, {"version": version, "sha256": hashlib.sha256(text).hexdigest()})


def directory(units: Iterable[tuple[str, int]], *, at: datetime) -> Entry:
    """Return that newer descriptions of units are known. units: code and revision."""
    return Entry("directory", "", at, {"units": sorted(map(list, units))})


def case_closed(kind: str, subject: str, *, outcome: str, at: datetime) -> Entry:
    """Return that something in the operator's queue was settled. outcome: a word of the program's."""
    return Entry("case_closed", subject, at, {"case": kind, "outcome": outcome})
