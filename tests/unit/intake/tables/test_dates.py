"""A cell means one moment, or it is refused: nothing of a time is guessed."""

from __future__ import annotations

from datetime import datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.tables.cells import Value
from services.intake.tables.dates import EPOCH_1900, EPOCH_1904, date_format, day, instant

SEVEN = time(7)
OFTEN = ("dd/MM/yyyy HH:mm", "dd/MM/yyyy", "yyyyMMddHHmmss", "iso", "excel")


def at(value: Value, *formats: str, clock: time | None = SEVEN, epoch: datetime = EPOCH_1900) -> str:
    return instant(value, [date_format(one) for one in formats or OFTEN], clock, epoch=epoch).isoformat()


@pytest.mark.parametrize(
    ("value", "means"),
    [
        ("02/11/2026 08:10", "2026-11-02T08:10:00+07:00"),
        ("2/11/2026 8:10", "2026-11-02T08:10:00+07:00"),
        ("2/11/2026", "2026-11-02T07:00:00+07:00"),
        ("20261102081059", "2026-11-02T08:10:59+07:00"),
        (20261102081059.0, "2026-11-02T08:10:59+07:00"),
        ("2026-11-02T01:10:00Z", "2026-11-02T08:10:00+07:00"),
        ("2026-11-02", "2026-11-02T07:00:00+07:00"),
        (46328, "2026-11-02T07:00:00+07:00"),
        ("46328,5", "2026-11-02T12:00:00+07:00"),
        (datetime.fromisoformat("2026-11-02T00:00"), "2026-11-02T07:00:00+07:00"),
        (datetime.fromisoformat("2026-11-02T08:09:59.999900"), "2026-11-02T08:10:00+07:00"),
    ],
)
def test_what_is_written_is_read(value: Value, means: str) -> None:
    assert at(value) == means


def test_a_workbook_that_counts_from_1904_is_read_so() -> None:
    assert at(46328 - 1462, epoch=EPOCH_1904) == at(46328)


@pytest.mark.parametrize(
    "value",
    ["02/11/26", "31/02/2026", "2/11/2026 25:00", "20261131080000", "²/11/2026", "soon", True, 12, "02/11/0026", None],
)
def test_what_is_no_moment_is_refused_without_being_repeated(value: Value) -> None:
    with pytest.raises(ValueError, match=r".") as told:
        at(value)
    assert not isinstance(value, str) or value not in str(told.value)


def test_a_date_alone_needs_a_clock_time_and_a_day_has_none() -> None:
    with pytest.raises(ValueError, match="say `time:`"):
        at("2/11/2026", clock=None)
    formats = [date_format("dd/MM/yyyy HH:mm")]
    assert day("02/11/2026 00:00", formats, epoch=EPOCH_1900).isoformat() == "2026-11-02"
    with pytest.raises(ValueError, match="not a moment within a day"):
        day("02/11/2026 08:00", formats, epoch=EPOCH_1900)


@given(st.datetimes(min_value=datetime.fromisoformat("1901-01-01"), max_value=datetime.fromisoformat("2199-12-31")))
def test_every_moment_comes_back_from_its_writing(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    written = moment.strftime("%d/%m/") + f"{moment.year:04} " + moment.strftime("%H:%M:%S")
    assert at(written, "dd/MM/yyyy HH:mm:ss")[:19] == moment.isoformat()
