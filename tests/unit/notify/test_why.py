"""Why somebody is told, and what a digest of many levels, repeats and fields says."""

from typing import Any, get_args

import pytest
import typer
from typer.testing import CliRunner

from services.notify.modes import cli as modes_cli
from services.notify.pressing import lines
from services.notify.pressing.lines import Line
from services.notify.telling import entries, preview, sms_text, texts, why
from services.notify.telling.entries import Entry
from services.notify.telling.why import WORDS, Why
from shared.worktime import vietnam
from tests.unit.notify.given import RULES, at, obligation
from tests.unit.notify.test_digest import dossier, entry, rendered


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, ["passed"]),
        ({"level": 0}, ["near"]),
        ({"level": 2}, ["level"]),
        ({"level": 2, "told": 1, "news": "changed"}, ["level"]),
        ({"told": 1, "news": "changed"}, ["moved"]),
        ({"told": 2, "level": 3, "news": "changed"}, ["level"]),
        ({"told": 1, "news": "repeated", "repeat": 1}, ["repeated"]),
        ({"told": 1, "news": "settled", "joint": True}, ["settled"]),
        ({"joint": True}, ["passed", "joint"]),
        ({"role": "receiving", "level": 0, "joint": True}, ["joint"]),
        ({"resolved": None}, ["passed", "unit_unknown"]),
    ],
)
def test_each_entry_has_its_reasons(changes: dict[str, Any], reasons: list[str]) -> None:
    assert list(why.of([entry(obligation(), **changes)], stands_in=False)) == reasons


def test_every_reason_has_words_and_what_a_later_release_knows_is_passed_over() -> None:
    assert set(WORDS) == set(Why)
    assert why.said(["near", "a_later_one", "settled"]) == f"{WORDS[Why.NEAR]}; {WORDS[Why.SETTLED]}"
    assert why.of([entry(obligation())], stands_in=True) == (Why.PASSED, Why.STAND_IN)


def of_field(number: int, field: str | None) -> tuple[Any, Entry]:
    of = dossier(number, field=field)
    return of, entry(of, field=field)


def test_beyond_the_limit_the_others_are_counted_by_field() -> None:
    found = [of_field(n, "Đất đai" if n % 2 else "Hộ tịch") for n in range(1, 8)] + [of_field(8, None)]
    made = rendered(found, overdue=8, max_lines=1)
    assert "… và 7 hồ sơ khác: Hộ tịch 3, Đất đai 3, lĩnh vực khác 1" in made.text
    assert "… và 7 hồ sơ khác: Hộ tịch 3, Đất đai 3, lĩnh vực khác 1" in made.html
    many = [of_field(n, f"Lĩnh vực {n:02}") for n in range(1, 15)]
    [section] = entries.sections([e for _, e in many], max_lines=1)
    assert (len(section.fields), section.fields[-1]) == (11, ("", 3))


def test_a_level_above_the_second_and_a_repeat_are_named() -> None:
    third, again = dossier(1), dossier(2)
    made = rendered(
        [
            (third, entry(third, role="superior", level=3)),
            (again, entry(again, news="repeated", told=1, repeat=2)),
        ],
        overdue=2,
    )
    assert "làm việc; cấp đôn đốc 3" in made.text
    assert "làm việc; nhắc lại lần 2" in made.text
    assert "có thay đổi so với" not in made.text


def test_the_end_of_what_was_told_at_once_goes_at_once_and_no_other() -> None:
    told = Line("o", "head", 1, told=1, post="A", told_at_once=True)
    ended = lines.closed(told)
    assert ended
    assert ended.at_once
    assert not lines.raised(told, obligation_id="o", role="head", level=2).at_once
    moved = lines.moved(told)
    assert (moved.news, moved.at_once) == ("changed", False)
    waits = Line("o", "head", 1, news="new", at_once=True)
    assert lines.raised(waits, obligation_id="o", role="head", level=2).at_once


def test_a_matter_that_is_closed_to_some_goes_out_anew_to_others_and_its_end_to_nobody_told_before() -> None:
    told, former = Line("o", "head", 1, told=1, post="A"), Line("o", "head", 1, told=1, post="B", former="B")
    [again] = lines.closed_to_some([told, former])
    assert (again.post, again.told, again.news) == (None, -1, "new")


def test_every_template_has_a_version_and_a_preview_with_sample_data_alone() -> None:
    assert [texts.version(name).split()[0] for name in get_args(texts.Name)] == [*get_args(texts.Name)]
    assert sms_text.VERSION.startswith("sms ")
    for what in ("digest", "sms", "weekly"):
        made = preview.preview(what, unit="MAU-01", policy=RULES.policy, calendar=vietnam(), at=at("2026-11-23 07:00"))
        assert "MAU-" in made.text or "mẫu" in made.text or "mau" in made.text
        assert "000.00" not in made.text + made.html + made.subject
    assert len(made.text) > 100


def test_the_command_previews_without_a_stack(tmp_path: Any) -> None:
    run, app = CliRunner(), typer.Typer()
    modes_cli.register(app)
    app.command("other")(lambda: None)
    shown = run.invoke(app, ["notify", "preview", "--unit", "MAU-09"])
    assert (shown.exit_code, "nhắc lại lần 2" in shown.output) == (0, True)
    page = tmp_path / "weekly.html"
    assert run.invoke(app, ["notify", "preview", "--kind", "weekly", "--output", str(page)]).exit_code == 0
    assert page.read_text("utf-8").startswith("<!doctype html>")
    refused = run.invoke(app, ["notify", "preview", "--kind", "sms", "--output", str(tmp_path / "sms.html")])
    assert refused.exit_code == 2


def test_a_missed_promise_is_said_of_what_is_told_as_overdue() -> None:
    of = dossier(1)
    late, settled = entry(of, news="changed", told=1), entry(of, news="settled", told=1)
    assert why.of([late], stands_in=False, missed={late.obligation_id}) == ("moved", "promise_missed")
    assert why.of([late], stands_in=False, missed={"dossier/other"}) == ("moved",)
    assert why.of([settled], stands_in=False, missed={late.obligation_id}) == ("settled",)
