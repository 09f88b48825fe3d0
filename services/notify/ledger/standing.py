"""How an overdue obligation stands: pressed, or the reason why not yet. Pure; from stored facts alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

# Why an overdue obligation has not been pressed for, in the order in which one is named where its lines differ.
Reason = Literal[
    "waits_for_relay",  # its notice is made and no provider has taken it yet
    "paused_sending",  # … since an operator has stopped all sending
    "recorded",  # its notice was made in recording mode, and not sent
    "withheld_allowlist",  # its notice was made for an address that the allow-list does not name
    "undelivered",  # its notice was refused for good, came back, or its address is known to be dead
    "withdrawn",  # its notice was taken back before it left, and what follows is not made yet
    "no_gateway",  # its notice was an SMS, and there is no gateway
    "no_contact",  # nobody that mail reaches heads the unit or one above it
    "feed_silent",  # its news is held back: its source has been silent for long
    "paused",  # its news is held back: the matter itself is paused
    "over_cap",  # its news is held back, or its SMS was not sent: there were as many as a day may bring
    "quiet_hours",  # its news goes at once, or its notice leaves, when quiet hours are over
    "waits_for_slot",  # the next digest tells of it
    "promised",  # who must act has answered, and the ladder waits for that
    "stopped",  # the policy's end of the ladder is reached
    "covered_by_dossier",  # a step whose late dossier is pressed for at the same unit
    "backlog_waits",  # it was late before it was heard of, and its first level is not reached
    "not_reached",  # its first level is not reached
]
# never_pressed: no notice and no reason. What else differs between the census and us is found by revisions.
Difference = Literal[
    "unknown_here",  # the census has it, we have never heard of it
    "older_here",  # the census has a newer state of it than we
    "not_overdue_here",  # the same state, and here it is not overdue
    "never_pressed",  # no notice, and no reason why not
    "missing_in_census",  # we press for it, and the census has it not
]
Standing = Reason | Literal["pressed", "never_pressed"]

NEVER: Standing = "never_pressed"
OF_WITHHELD: dict[str, Standing] = {
    "not_on_allowlist": "withheld_allowlist",
    "no_contact": "no_contact",
    "no_gateway": "no_gateway",
    "dead_address": "undelivered",
    "over_cap": "over_cap",
}
OF_STATUS: dict[str, Standing] = {
    "sent": "pressed",
    "recorded": "recorded",
    "failed": "undelivered",
    "withdrawn": "withdrawn",
}


@dataclass(frozen=True, slots=True)
class LineFacts:
    """What is stored of one head to be told of level 1 or above, and the newest notice that tells that post of it.

    told: the head counts as told of a level. news: something waits for a digest. slot_ahead: one yet to come. held: why
    it waits for a later one than the next. presses: that notice is of level 1 or above and no settlement. status,
    reason: the notice's, empty without one.
    """

    told: bool
    news: bool
    slot_ahead: bool
    held: Reason | None
    presses: bool
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is stored of an overdue obligation. timer_ahead: its next level is yet to come. rests: why it rests."""

    raised: int
    timer_ahead: bool
    backlog: bool
    rests: Reason | None
    lines: tuple[LineFacts, ...]


def standing(facts: Facts, *, paused: bool) -> Standing:
    """Return how it stands. Who was told by a notice that is not there makes it `never_pressed`, whoever else was told.

    paused: an operator has stopped all sending.
    """
    of_lines = {_of_line(line, paused=paused) for line in facts.lines}
    if NEVER in of_lines:
        return NEVER
    if "pressed" in of_lines:
        return "pressed"
    if facts.rests:
        return facts.rests
    if not of_lines:
        return _before_any_line(facts)
    return _first(of_lines)


def _before_any_line(facts: Facts) -> Standing:
    if facts.raised >= 1 or not facts.timer_ahead:
        return NEVER
    return "backlog_waits" if facts.backlog else "not_reached"


def _of_line(line: LineFacts, *, paused: bool) -> Standing:
    withdrawn = line.status == "withdrawn" and line.news
    if line.told and line.presses and not withdrawn:
        return _of_notice(line, paused=paused)
    if line.news:
        return (line.held or "waits_for_slot") if line.slot_ahead else NEVER
    if not line.told and line.status == "withheld":
        return OF_WITHHELD.get(line.reason, NEVER)
    return NEVER


def _of_notice(line: LineFacts, *, paused: bool) -> Standing:
    if line.status == "stored" and not paused:
        return "quiet_hours" if line.reason == "quiet_hours" else "waits_for_relay"
    if line.status == "stored":
        return "paused_sending"
    if line.status == "withheld":
        return OF_WITHHELD.get(line.reason, NEVER)
    return OF_STATUS.get(line.status, NEVER)


def _first(found: Iterable[Standing]) -> Standing:
    return min(found, key=lambda one: get_args(Reason).index(one))
