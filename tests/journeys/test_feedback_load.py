"""Filings with files at a rate, on the whole stack, while obligations pass due; and complaints killed in the middle."""

from __future__ import annotations

import pytest

from bench.feedback_load import Load, run_load

pytestmark = pytest.mark.long


def test_filings_with_files_are_there_once_with_event_and_obligations_while_escalations_go_on() -> None:
    load = Load(rate=50, seconds=5, kilobytes=100)
    result = run_load(load)
    assert result.answers == {201: 250}
    assert result.faults == {}
    assert (result.files_swept, result.files_without_rows) == (0, 0)
    assert result.passed > 0
    assert result.mails > 0


def test_what_was_answered_before_complaints_was_killed_is_there_and_no_file_stays_without_a_row() -> None:
    result = run_load(Load(rate=50, seconds=8, kilobytes=100, kill_after=100))
    assert result.answers[201] > 50
    assert result.answers.total() - result.answers[201] > 0, "nothing was in hand when it was killed"
    assert result.faults == {}
    assert result.files_without_rows == 0
