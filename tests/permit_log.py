"""The recorded permit log as national messages, and the outcome that the log itself records.

The oracle reads the CSV alone and never the messages, so what the stack computes from the messages can be
held against it.
"""

import csv
import gzip
import json
import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

VARIABLE = "DONDOC_PERMIT_LOG"
ABSENT = f"the permit log is absent: set {VARIABLE} to the path of receipt.csv.gz"
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
AGENCY = "000.00.99.H56"  # invented: the log's own municipality has no agency id here
PROCEDURE = "9.000056"  # invented, so that no procedure table gives it a limit of its own

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded event of a case."""

    at: datetime
    activity: str
    group: str


@dataclass(frozen=True, slots=True)
class Case:
    """One case with its recorded instants, to the millisecond and with their offsets."""

    id: str
    accepted_at: datetime
    due_at: datetime
    ended_at: datetime | None
    responsible: str
    steps: tuple[Step, ...]

    @property
    def late(self) -> bool:
        return self.ended_at is not None and self.ended_at > self.due_at


def permit_log_path() -> Path | None:
    """Return where the log is, None where it is absent (callers then say `ABSENT`)."""
    beside = Path(__file__).resolve().parents[1] / "../shared/data/permit-log/receipt.csv.gz"
    path = Path(os.environ.get(VARIABLE) or beside).resolve()
    return path if path.is_file() else None


def read_cases(path: Path) -> list[Case]:
    """Return the cases of the log in the order of their first rows."""
    rows: dict[str, list[dict[str, str]]] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            rows.setdefault(row["case:concept:name"], []).append(row)
    return [_case(of_case) for of_case in rows.values()]


def _case(rows: list[dict[str, str]]) -> Case:
    first = rows[0]
    return Case(
        id=first["case:concept:name"],
        accepted_at=datetime.fromisoformat(first["case:startdate"]),
        due_at=datetime.fromisoformat(first["case:deadline"]),
        ended_at=datetime.fromisoformat(first["case:enddate"]) if first["case:enddate"] else None,
        responsible=first["case:responsible"],
        steps=tuple(
            Step(datetime.fromisoformat(row["time:timestamp"]), row["concept:name"], row["org:group"]) for row in rows
        ),
    )


# --- the oracle -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Oracle:
    """What the log records, from the CSV alone. Ids are the log's own (`case-10011`)."""

    cases: tuple[Case, ...]

    def ended(self) -> set[str]:
        return {case.id for case in self.cases if case.ended_at is not None}

    def late(self) -> set[str]:
        return {case.id for case in self.cases if case.late}

    def overdue_at(self, moment: datetime) -> set[str]:
        """Return the cases accepted by `moment`, not ended by it, and due before it.

        moment: aware, a whole second. The messages know seconds only, so in the very second of an end or a
        deadline they can differ.
        """
        return {
            case.id
            for case in self.cases
            if case.accepted_at <= moment and (case.ended_at is None or case.ended_at > moment) and case.due_at < moment
        }


def read_oracle(path: Path) -> Oracle:
    return Oracle(tuple(read_cases(path)))


# --- the messages -----------------------------------------------------------------------------------------


def national_messages(cases: Iterable[Case]) -> list[Message]:
    """Return the log as national messages of one object each, in the log's order of time.

    A snapshot at the start, one progress step an event, a snapshot with NgayKetThucXuLy at the end. A step is
    of status 4 up to the end and 10 after it, as a later 4 would rightly reopen the dossier. No `sent_at`:
    the portal's envelope has none.

    Instants become whole seconds of Asia/Ho_Chi_Minh such that the recorded order of end and deadline is kept
    (two of the late cases are late by 20 milliseconds): all are floored, but an end after its deadline is
    rounded up.
    """
    dated = [timed for case in cases for timed in _case_messages(case)]
    return [message for _, message in sorted(dated, key=lambda timed: timed[0])]


def _case_messages(case: Case) -> Iterator[tuple[tuple[datetime, int], Message]]:
    """Yield a case's messages under (instant, rank): at one instant the start is first and the end last."""
    snapshot = _snapshot(case)
    yield (case.accepted_at, 0), _message("DongBoHoSoMC", [snapshot], is_updating=False)
    for step in case.steps:
        yield (step.at, 1), _message("CapNhatTienDoHoSoMC", [_progress(case, step)])
    if case.ended_at is not None:
        end = {**snapshot, "TrangThaiHoSo": "9", "NgayKetThucXuLy": compact(case.ended_at, up=case.late)}
        yield (case.ended_at, 2), _message("DongBoHoSoMC", [end], is_updating=True)


def _message(service: str, data: list[dict[str, Any]], *, is_updating: bool | None = None) -> Message:
    head: Message = {"session": "", "madonvi": AGENCY, "service": service}
    if is_updating is not None:
        head["isUpdating"] = str(is_updating)
    return {**head, "data": data}


def _snapshot(case: Case) -> dict[str, Any]:
    return {
        "MaHoSo": case.id,
        "MaTTHC": PROCEDURE,
        "TenTTHC": "Cấp giấy phép môi trường (nhật ký ghi sẵn)",
        "MaLinhVuc": "MT",
        "TenLinhVuc": "Môi trường",
        "ChuHoSo": "",
        "LoaiDoiTuong": "1",
        "Email": "",
        "SoDienThoai": "",
        "TrichYeuHoSo": "",
        "NgayTiepNhan": compact(case.accepted_at),
        "NgayHenTra": compact(case.due_at),
        "TrangThaiHoSo": "2",
        "NgayTra": "",
        "HinhThuc": "0",
        "NgayKetThucXuLy": "",
        "DonViXuLy": case.responsible,
        "DanhSachHoSoBoSung": [],
    }


def _progress(case: Case, step: Step) -> dict[str, Any]:
    after_end = case.ended_at is not None and step.at > case.ended_at
    return {
        "MaHoSo": case.id,
        "NguoiXuLy": step.group,
        "ChucDanh": "",
        "ThoiDiemXuLy": compact(step.at),
        "PhongBanXuLy": step.group,
        "NoiDungXuLy": step.activity,
        "TrangThai": "10" if after_end else "4",
        "NgayBatDau": "",
        "NgayKetThucTheoQuyDinh": "",
    }


def compact(at: datetime, *, up: bool = False) -> str:
    """Return `at` as yyyyMMddHHmmss of Asia/Ho_Chi_Minh, floored to the second, or rounded up where `up`."""
    floored = at.astimezone(ZONE).replace(microsecond=0)
    whole = floored + timedelta(seconds=1) if up and at.microsecond else floored
    return whole.strftime("%Y%m%d%H%M%S")


def from_compact(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=ZONE)


# --- other shapes of the same messages --------------------------------------------------------------------


def batched(messages: Iterable[Message], *, size: int) -> Iterator[Message]:
    """Yield the same objects, `size` a message (the last of a kind may hold fewer).

    Objects wait for others of their service and isUpdating, so the order is kept within a kind only.
    """
    waiting: dict[tuple[str, str], Message] = {}
    for message in messages:
        kind = (message["service"], message.get("isUpdating", ""))
        gathered = waiting.setdefault(kind, {**message, "data": []})
        gathered["data"].extend(message["data"])
        if len(gathered["data"]) >= size:
            yield waiting.pop(kind)
    yield from waiting.values()


def shuffled(messages: Iterable[Message], *, seed: int) -> list[Message]:
    mixed = list(messages)
    random.Random(seed).shuffle(mixed)
    return mixed


def tripled(messages: Iterable[Message]) -> list[Message]:
    """Return every message three times: the whole log, then twice again. Shuffle it to mix the repeats."""
    return list(messages) * 3


def write_ndjson(messages: Iterable[Message], path: Path) -> int:
    """Write one message a line; return how many lines were written."""
    lines = 0
    with path.open("w", encoding="utf-8") as out:
        for message in messages:
            out.write(json.dumps(message, ensure_ascii=False, separators=(",", ":")) + "\n")
            lines += 1
    return lines
