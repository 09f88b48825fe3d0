"""An import shows its way: on a terminal a bar, in a log a line each half minute, with --json nothing."""

from __future__ import annotations

import pytest

from services.intake import progress


def test_in_a_log_a_line_each_half_minute_says_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 50.0
    monkeypatch.setattr(progress, "monotonic_s", lambda: now_s)
    with progress.shown("feed.ndjson", lines=1_000_000, how="lines") as show:
        for done in range(100_000, 400_000, 40_000):
            show(sent=done + 20_000, done=done)
            now_s += 10
    assert capsys.readouterr().err.splitlines() == [
        "feed.ndjson: 220,000 of 1,000,000 lines done, 240,000 sent, 4,000/s, 3 min left",
        "feed.ndjson: 340,000 of 1,000,000 lines done, 360,000 sent, 4,000/s, 3 min left",
    ]


def test_a_bar_shows_what_is_sent_and_done(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.shown("feed.ndjson", lines=2000, how="bar") as show:
        show(sent=1500, done=1000)
    told = " ".join(capsys.readouterr().err.split())
    assert "1,000 done, 1,500 sent of 2,000" in told


def test_with_json_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.shown("feed.ndjson", lines=2000, how="none") as show:
        show(sent=1500, done=1000)
    assert capsys.readouterr() == ("", "")
