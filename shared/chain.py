"""The chain of an append-only log: how a row is sealed to the one before it, and how a whole log is examined. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

BEGIN = bytes(32)  # the hash before the first row
FIELDS = ("seq", "at", "recorded_at", "kind", "subject", "data")  # what a row's hash covers, beside the hash before it


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be kept. at: business time. subject: the id it speaks of. data: JSON values, nothing personal."""

    kind: str
    subject: str
    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row: its number and hash. Whoever has it written down elsewhere can prove all rows up to it."""

    seq: int = 0
    hash: bytes = BEGIN


@dataclass(frozen=True, slots=True)
class Row:
    """An entry in its place. recorded_at: machine time. data: JSON text as it is hashed."""

    seq: int
    at: datetime
    recorded_at: datetime
    kind: str
    subject: str
    data: str
    hash: bytes


def canonical(row: Mapping[str, Any]) -> bytes:
    """Return the bytes of a row that are hashed: JSON in UTF-8, keys sorted, no spaces, times in UTC."""
    return orjson.dumps({name: row[name] for name in FIELDS}, option=orjson.OPT_SORT_KEYS)


def link(before: bytes, row: Mapping[str, Any]) -> bytes:
    """Return the hash of a row: SHA-256 of the hash before it and the row's canonical bytes."""
    return hashlib.sha256(before + canonical(row)).digest()


def seal(entries: Iterable[Entry], *, head: Head, recorded_at: datetime) -> list[Row]:
    """Return entries as the rows that follow `head`."""
    rows: list[Row] = []
    seq, before, recorded = head.seq, head.hash, recorded_at.astimezone(UTC)
    for entry in entries:
        seq, at = seq + 1, entry.at.astimezone(UTC)
        fields = {
            "seq": seq,
            "at": at,
            "recorded_at": recorded,
            "kind": entry.kind,
            "subject": entry.subject,
            "data": entry.data,
        }
        before = link(before, fields)
        data = orjson.dumps(entry.data, option=orjson.OPT_SORT_KEYS).decode()
        rows.append(Row(seq, at, recorded, entry.kind, entry.subject, data, before))
    return rows


@dataclass(slots=True)
class Examination:
    """A log as it is read row by row. broken: the first thing that is wrong, None so far.

    anchor: a hash written down earlier that has to be that of a row. at: the row examined last.
    """

    at: Head = field(default_factory=Head)
    anchor: bytes | None = None
    anchored: int | None = None
    broken: str | None = None

    def __post_init__(self) -> None:
        self._note_anchor()

    def take(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Examine the rows that follow, as they are exported; returns whether all is well so far."""
        for row in rows:
            if self.broken:
                break
            if row["seq"] != self.at.seq + 1:
                gone = (
                    f"row {self.at.seq + 1} is missing" if row["seq"] > self.at.seq else f"row {row['seq']} is doubled"
                )
                self.broken = f"{gone}: after row {self.at.seq} comes row {row['seq']}"
            elif link(self.at.hash, row).hex() != row["hash"]:
                self.broken = f"row {row['seq']} is not what was written: its hash does not follow from the row before"
            else:
                self.at = Head(row["seq"], bytes.fromhex(row["hash"]))
                self._note_anchor()
        return self.broken is None

    def end(self, head: Head) -> str | None:
        """Return what is wrong once there are no more rows. head: what the service says is the newest."""
        if self.broken is None and self.at.seq < head.seq:
            self.broken = f"row {self.at.seq + 1} is missing: the log ends at row {self.at.seq}, its head is {head.seq}"
        if self.broken is None and self.at != head:
            self.broken = f"row {self.at.seq} is not the head that the service names"
        if self.broken is None and self.anchor is not None and self.anchored is None:
            self.broken = "no row has the anchor's hash: rows were cut off at the end, or all were written anew"
        return self.broken

    def _note_anchor(self) -> None:
        if self.at.hash == self.anchor:
            self.anchored = self.at.seq
