"""How `dondoc import` reads its files: line numbers stay true, and only what is not done is sent."""

from __future__ import annotations

import gzip
import io
import os
import time
from pathlib import Path

import httpx
import pytest
import typer

from services.intake import importing
from shared import cli


def numbered(raw: bytes) -> list[tuple[int, bytes]]:
    return list(importing._numbered(io.BytesIO(raw)))


def test_blank_lines_are_passed_over_and_the_numbers_stay() -> None:
    assert numbered(b"\xef\xbb\xbfa\r\n\n  \nb") == [(1, b"a"), (4, b"b")]


def test_of_an_over_long_line_the_beginning_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "LONGEST_LINE", 4)
    assert numbered(b"abcdefghij\nk\n") == [(1, b"abcd"), (2, b"k")]


def test_what_is_done_is_not_sent_again_and_runs_break_there() -> None:
    lines = [(number, b"x") for number in (1, 2, 3, 5, 6, 7)]
    assert list(importing.chunks(iter(lines), done={2})) == [(1, [b"x"]), (3, [b"x"]), (5, [b"x"] * 3)]


def test_a_run_is_bounded_in_lines_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK_LINES", 3)
    lines = [(number, b"x" * 10) for number in range(1, 6)]
    assert [len(run) for _, run in importing.chunks(iter(lines), done=set())] == [3, 2]
    monkeypatch.setattr(importing, "CHUNK_BYTES", 25)
    assert [len(run) for _, run in importing.chunks(iter(lines), done=set())] == [2, 2, 1]


def test_the_id_is_of_source_and_content_whatever_the_name_or_the_packing(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.ndjson", tmp_path / "b.ndjson.gz"
    plain.write_bytes(b'{"a": 1}\n')
    packed.write_bytes(gzip.compress(b'{"a": 1}\n'))
    with importing.opened([str(plain), str(packed)], source="x", import_id=None) as (one, other):
        assert (one.id, one.lines) == (other.id, 1)
    with importing.opened([str(plain)], source="y", import_id=None) as [elsewhere]:
        assert elsewhere.id != one.id


def test_what_is_counted_is_said_of_objects_and_refusals_say_where_to_look() -> None:
    outcome = {"file": "a", "lines": 771, "done_before": 0, "accepted": 1300, "repeated": 11, "refused": 9}
    said = "a: 1,320 objects in 771 lines: 1,300 accepted, 11 repeated, 9 refused"
    assert importing.in_words(outcome) == f"{said}; see `dondoc quarantine list`"
    assert "quarantine" not in importing.in_words({**outcome, "refused": 0})


def test_a_pipe_is_read_once_and_kept(tmp_path: Path) -> None:
    reads, writes = os.pipe()
    os.write(writes, b'{"a": 1}\n{"a": 2}\n')
    os.close(writes)
    with importing.opened([f"/dev/fd/{reads}"], source="x", import_id=None) as [one]:
        assert (one.lines, one.path.read_bytes()) == (2, b'{"a": 1}\n{"a": 2}\n')
    os.close(reads)


def test_a_damaged_archive_is_a_wrong_call(tmp_path: Path) -> None:
    broken = tmp_path / "b.ndjson.gz"
    broken.write_bytes(gzip.compress(b'{"a": 1}\n' * 1000)[:-20])
    with pytest.raises(typer.BadParameter), importing.opened([str(broken)], source="x", import_id=None):
        pass


def test_runs_hold_the_numbers_from_their_first_to_their_last() -> None:
    done = importing.Runs([(1, 3), (7, 7)])
    assert [number for number in range(10) if number in done] == [1, 2, 3, 7]
    assert (len(done), len(importing.Runs([])), 1 in importing.Runs([])) == (4, 0, False)


def test_an_import_waits_for_hours_where_it_is_told_to_and_not_where_nobody_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now_s
        now_s += seconds

    def answer(_: httpx.Request) -> httpx.Response:
        if now_s < 3600:
            return httpx.Response(429, json={"detail": "wait"}, headers={"Retry-After": "1"})
        return httpx.Response(503 if stays_away else 202, json={"detail": "away"})

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(cli, "monotonic_s", lambda: now_s)
    one = importing.Import("x", "motcua-1", "national", "a", Path("a"), 1)
    stays_away = False
    with httpx.Client(base_url="http://intake", transport=httpx.MockTransport(answer)) as intake:
        importing._post(intake, one, 1, [b"{}"])
        assert 3600 <= now_s < 3700
        now_s, stays_away = 0.0, True
        with pytest.raises(typer.Exit):
            importing._post(intake, one, 1, [b"{}"])
    assert 3600 <= now_s <= 3600 + cli.PATIENCE_S
