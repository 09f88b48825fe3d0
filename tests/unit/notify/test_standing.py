"""How an overdue obligation stands, from what is stored of it."""

from typing import Any

import pytest

from services.notify.ledger.levels import outcomes
from services.notify.ledger.standing import Facts, LineFacts, standing
from services.notify.policies.ladder import Step
from tests.unit.notify.given import at

TOLD = {"told": True, "news": False, "slot_ahead": False, "held": None, "presses": True, "status": "sent", "reason": ""}
WAITING = {"told": False, "news": True, "slot_ahead": True, "held": None, "presses": False, "status": "", "reason": ""}


def line(of: dict[str, Any], **changes: Any) -> LineFacts:
    return LineFacts(**{**of, **changes})


def facts(*lines: LineFacts, **changes: Any) -> Facts:
    given: dict[str, Any] = {"raised": 1, "timer_ahead": True, "backlog": False, "rests": None, "lines": lines}
    return Facts(**{**given, **changes})


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        ("sent", "", "pressed"),
        ("stored", "", "waits_for_relay"),
        ("stored", "quiet_hours", "quiet_hours"),
        ("withdrawn", "nothing_left", "withdrawn"),
        ("withheld", "over_cap", "over_cap"),
        ("recorded", "recording_mode", "recorded"),
        ("failed", "550", "undelivered"),
        ("withheld", "not_on_allowlist", "withheld_allowlist"),
        ("withheld", "no_gateway", "no_gateway"),
        ("withheld", "dead_address", "undelivered"),
        ("withheld", "something new", "never_pressed"),
        ("something new", "", "never_pressed"),
    ],
)
def test_who_was_told_stands_as_the_newest_notice_does(status: str, reason: str, expected: str) -> None:
    assert standing(facts(line(TOLD, status=status, reason=reason)), paused=False) == expected


def test_where_a_notice_was_withdrawn_and_news_waits_the_news_says_why() -> None:
    waits = line(WAITING, told=True, presses=True, status="withdrawn", reason="nothing_left")
    assert standing(facts(waits), paused=False) == "waits_for_slot"


def test_what_waits_for_a_relay_waits_for_the_operator_while_sending_is_paused() -> None:
    assert standing(facts(line(TOLD, status="stored")), paused=True) == "paused_sending"


def test_who_counts_as_told_and_has_no_notice_was_never_pressed_whoever_else_was() -> None:
    gone = line(TOLD, presses=False, status="")
    assert standing(facts(gone), paused=False) == "never_pressed"
    assert standing(facts(line(TOLD), gone), paused=False) == "never_pressed"
    assert standing(facts(gone, rests="covered_by_dossier"), paused=False) == "never_pressed"


def test_a_settlement_told_last_presses_nobody() -> None:
    assert standing(facts(line(TOLD, presses=False, status="sent")), paused=False) == "never_pressed"


def test_news_wait_for_a_slot_ahead_and_for_none_that_went_by() -> None:
    assert standing(facts(line(WAITING)), paused=False) == "waits_for_slot"
    assert standing(facts(line(WAITING, slot_ahead=False)), paused=False) == "never_pressed"
    assert standing(facts(line(TOLD, presses=False, news=True, slot_ahead=True)), paused=False) == "waits_for_slot"


def test_news_that_is_held_back_names_why_as_long_as_its_slot_is_ahead() -> None:
    assert standing(facts(line(WAITING, held="feed_silent")), paused=False) == "feed_silent"
    assert standing(facts(line(WAITING, held="over_cap", slot_ahead=False)), paused=False) == "never_pressed"
    assert standing(facts(line(TOLD), line(WAITING, held="over_cap")), paused=False) == "pressed"


def test_nobody_with_an_address_is_a_reason_and_silence_is_none() -> None:
    silent = line(WAITING, news=False, slot_ahead=False)
    withheld = line(WAITING, news=False, presses=True, status="withheld", reason="no_contact")
    assert standing(facts(withheld), paused=False) == "no_contact"
    assert standing(facts(silent), paused=False) == "never_pressed"


def test_one_head_who_was_told_presses_what_others_wait_for() -> None:
    assert standing(facts(line(TOLD), line(WAITING)), paused=False) == "pressed"
    assert standing(facts(line(TOLD, status="recorded"), line(WAITING)), paused=False) == "recorded"


def test_before_any_level_the_timer_is_the_reason_and_past_it_there_is_none() -> None:
    assert standing(facts(raised=-1), paused=False) == "not_reached"
    assert standing(facts(raised=0, backlog=True), paused=False) == "backlog_waits"
    assert standing(facts(raised=-1, timer_ahead=False), paused=False) == "never_pressed"
    assert standing(facts(raised=1), paused=False) == "never_pressed"


def test_a_step_rests_with_its_dossier() -> None:
    assert standing(facts(line(WAITING), rests="covered_by_dossier"), paused=False) == "covered_by_dossier"


def test_each_level_of_a_ladder_says_what_became_of_it() -> None:
    steps = [Step(level, at(f"2026-11-2{level} 08:00")) for level in range(1, 6)]
    now = at("2026-11-24 09:00")
    found = [level["outcome"] for level in outcomes(steps, raised=3, told=[1, 3], at=now)]
    assert found == ["told", "passed_over", "told", "due_now", "ahead"]
    assert outcomes(steps[:1], raised=1, told=[], at=now)[0]["outcome"] == "raised"
