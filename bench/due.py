"""`dondoc due` on a long stream: lines a second, and the peak memory of a short one and of a long one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import orjson

from bench.machine import machine
from shared.clock import PROVINCE_ZONE

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
LIMITS = (
    ("working_hours", 80), ("working_hours", 8), ("working_days", 30), ("working_days", 5), ("calendar_days", 45),
    ("weeks", 6), ("months", 6), ("working_minutes", 2000),
)  # fmt: skip
WRITTEN_OUT = 40  # calendars that are not known by name; a province has some hundred communes, most like the province
MISTAKES = 50  # one question of so many cannot be answered


class Run(NamedTuple):
    """What a run took. peak_mb: resident memory at its highest."""

    lines: int
    seconds: float
    processor_s: float
    peak_mb: float


def questions(count: int, seed: int) -> Iterator[bytes]:
    """Yield mixed questions: three of four on the calendar known by name, some with pauses, levels, or to measure."""
    random = Random(seed)
    begin = datetime(2023, 1, 1, tzinfo=PROVINCE_ZONE)
    calendars: list[Any] = [_written_out(number) for number in range(WRITTEN_OUT)]
    for number in range(count):
        start = begin + timedelta(seconds=random.randrange(3 * 365 * 86_400))
        unit, most = random.choice(LIMITS)
        asked: dict[str, Any] = {
            "id": f"000.00.{number % 166:02}.H56-{number}",
            "calendar": random.choice(calendars) if number % 4 == 0 else "thanh-hoa",
            "start": start.isoformat(),
            "limit": {"value": random.randint(1, most), "unit": unit},
        }
        if number % MISTAKES == 7:
            asked["start"] = "20/11/2026"
        elif number % 10 == 1:
            asked["measure"] = {"from": asked.pop("start"), "to": _later(random, start)}
        elif number % 10 == 2:
            asked["pauses"] = [{"from": _later(random, start, days=3), "to": _later(random, start, days=9, least=4)}]
        elif number % 10 == 3:
            asked["levels"] = [{"value": -1, "unit": "working_days"}, {"value": 8, "unit": "working_hours"}]
        yield orjson.dumps(asked) + b"\n"


def _written_out(number: int) -> dict[str, Any]:
    opens = f"{7 + number % 2}:{number // 2 % 4 * 15:02}".zfill(5)
    hours = dict.fromkeys(WEEKDAYS, (f"{opens}-11:30", "13:30-17:00"))
    return {
        "timezone": "Asia/Ho_Chi_Minh",
        "week": hours | {"sat": ["07:30-11:00"]} if number % 5 == 0 else hours,
        "dates": {"2024-01-01": [], "2025-09-02": [], f"2025-10-{number % 28 + 1:02}": []},
        "known_until": "2027-12-31",
    }


def _later(random: Random, start: datetime, *, days: int = 60, least: int = 0) -> str:
    return (start + timedelta(seconds=random.randrange(least * 86_400, days * 86_400))).isoformat()


def due(*, lines: int, seed: int) -> None:
    """Print conditions, the rate, and the peak memory of a tenth of the lines and of all."""
    print(f"{machine()}; `dondoc due`, file to file, mixed questions (seed {seed}), one of {MISTAKES} a mistake")
    with TemporaryDirectory() as folder:
        runs = [_run(Path(folder), count, seed) for count in (lines // 10, lines)]
    for run in runs:
        print(
            f"  {run.lines:>9,} lines: {run.lines / run.seconds:,.0f} a second ({run.seconds:.1f} s, processor "
            f"{run.processor_s:.1f} s), peak memory {run.peak_mb:.1f} MB"
        )
    print(f"  memory, all to a tenth: {runs[1].peak_mb / runs[0].peak_mb:.3f}")


def _run(folder: Path, count: int, seed: int) -> Run:
    asked, answered = folder / "questions.ndjson", folder / "answers.ndjson"
    with asked.open("wb") as file:
        file.writelines(questions(count, seed))
    began = time.perf_counter()
    command = [str(Path(sys.executable).with_name("dondoc")), "due", str(asked), "--output", str(answered)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)  # tells the peak of this child alone
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    with answered.open("rb") as file:
        told = sum(1 for _ in file)
    if process.returncode != 3 or told != count:  # 3: some could not be answered
        raise SystemExit(f"`dondoc due` ended with {process.returncode} and {told:,} answers to {count:,} questions")
    return Run(count, took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
