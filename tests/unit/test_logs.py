"""A log says where and of what kind a failure was, never what was in the message or the row."""

from __future__ import annotations

import asyncpg
import pytest
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from shared import tracing
from shared.bus import NotPublishedError
from shared.logs import _traceback, log_traces, told

KEPT = "Nguyễn Văn Kín"


class Person(BaseModel):
    """Something with a field that can be wrong."""

    age: int


def refused_row() -> asyncpg.PostgresError:
    error = asyncpg.CheckViolationError(f"new row violates check constraint\nDETAIL: Failing row contains ({KEPT})")
    assert isinstance(error, asyncpg.PostgresError)
    return error


def unreadable() -> Exception:
    with pytest.raises(ValueError, match="age") as wrong:
        Person.model_validate({"age": KEPT})
    return wrong.value


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (refused_row(), "CheckViolationError 23514"),
        (IntegrityError("INSERT …", None, refused_row()), "CheckViolationError 23514"),
        (asyncpg.InterfaceError(f"invalid input for query argument $1: {KEPT!r}"), "InterfaceError"),
        (ValueError(f"Invalid isoformat string: {KEPT!r}"), "ValueError"),
        (unreadable(), "ValidationError at age"),
        (ConnectionRefusedError(111, "Connection refused"), "ConnectionRefusedError: [Errno 111] Connection refused"),
        (NotPublishedError("no stream takes feed.x"), "NotPublishedError: no stream takes feed.x"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_an_error_is_told_by_its_kind(error: Exception, said: str) -> None:
    assert told(error) == said


def test_a_traceback_keeps_its_lines_and_causes_and_no_values() -> None:
    def fail() -> None:
        try:
            raise refused_row()
        except asyncpg.PostgresError as error:
            raise ValueError(KEPT) from error

    with pytest.raises(ValueError, match=KEPT) as failed:
        fail()
    said = _traceback((ValueError, failed.value, failed.value.__traceback__))
    assert KEPT not in said
    assert said.index("CheckViolationError 23514") < said.index("in fail", said.index("CheckViolationError 23514"))
    assert said.endswith("ValueError\n")


def test_many_traces_are_told_in_lines_that_no_engine_cuts() -> None:
    traces = [tracing.begun(str(number)) for number in range(600)]
    with capture_logs() as lines:
        log_traces("info", "committed", [*traces, *traces[:10]], cause="FEED")
    assert [id for line in lines for id in line["traces"]] == tracing.ids(traces)
    assert all(len(str(line)) < 12_000 and line["cause"] == "FEED" for line in lines)
