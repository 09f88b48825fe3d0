"""What decides at a moment: the policy in force, calendars, channels that somebody carries. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.notify.addressing.desks import OFFICER
from services.notify.addressing.directory import NOT_LOOKED_UP, Meant
from services.notify.policies import ladder
from services.notify.policies.file import Policies
from services.notify.policies.ladder import Step
from services.notify.policies.policy import Policy
from services.notify.policies.when import Quiet, awake, is_quiet, next_slot
from shared.events import NoticeChannel, ObligationChanged
from shared.unit_words import normalised
from shared.worktime import WorkCalendar


def _no_link(notice: str, post: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy in force and the calendars that working time is counted in.

    calendar: the province's. carried: channels with a provider. answer_url: of a notice to a post, where its head can
    answer; empty: nowhere. console_url: where heads may see all of it; empty: nowhere. own_calendars: of units that
    have one, by code or by the words for a unit that the directory does not know. policies: among which the one in
    force is.
    """

    policy: Policy
    calendar: WorkCalendar
    carried: frozenset[NoticeChannel] = frozenset()
    answer_url: Callable[[str, str], str] = _no_link
    console_url: str = ""
    own_calendars: Mapping[str, WorkCalendar] = field(default_factory=dict)
    policies: Policies | None = None

    def policy_at(self, at: datetime) -> Policy:
        """Return the policy in force at `at`."""
        return self.policies.at(at) if self.policies else self.policy

    def calendar_of(self, *units: str | None) -> WorkCalendar:
        """Return the calendar of the first of these units that has one of its own, else the province's."""
        if not self.own_calendars:
            return self.calendar
        found = (self.own_calendars.get(unit.removesuffix(OFFICER)) for unit in units if unit)
        return next((own for own in found if own), self.calendar)

    def calendar_for(self, obligation: ObligationChanged, meant: Meant) -> WorkCalendar:
        """Return the calendar of the unit that must act."""
        if not self.own_calendars:
            return self.calendar
        words = (normalised(meant.unit_name or ""), normalised(meant.unit or ""))
        return self.calendar_of(meant.code, None if meant.joint else obligation.unit_code, *words)

    def next_slot(self, *, at: datetime, post: str | None = None) -> datetime:
        """Return the first digest slot at or after `at` by the calendar of a post's unit."""
        return next_slot(self.policy.slots, calendar=self.calendar_of(post), at=at)

    def awake(self, *, at: datetime, post: str | None = None) -> datetime:
        """Return when what goes at once may leave to a post: at once, or once its quiet hours are over."""
        return awake(self.policy_at(at).quiet_hours, calendar=self.calendar_of(post), at=at)

    def quiet(self, *, at: datetime) -> Quiet:
        """Return for whom it is quiet at `at`."""
        hours = self.policy_at(at).quiet_hours
        province = is_quiet(hours, calendar=self.calendar, at=at)
        own = self.own_calendars.items() if hours else ()
        others = (unit for unit, calendar in own if is_quiet(hours, calendar=calendar, at=at) != province)
        return Quiet(province, tuple(sorted(others)))

    def steps(self, obligation: ObligationChanged, meant: Meant = NOT_LOOKED_UP) -> list[Step]:
        calendar = self.calendar_for(obligation, meant)
        return ladder.steps(obligation, ladder=self.policy.ladder_of(obligation), calendar=calendar)

    def near_at(self, obligation: ObligationChanged, meant: Meant = NOT_LOOKED_UP) -> datetime | None:
        own = self.policy.ladder_of(obligation)
        return (
            ladder.near_at(obligation, ladder=own, calendar=self.calendar_for(obligation, meant)) if own.near else None
        )

    def rests_at(self, obligation: ObligationChanged, meant: Meant = NOT_LOOKED_UP) -> datetime | None:
        own = self.policy.ladder_of(obligation)
        return (
            ladder.rests_at(obligation, ladder=own, calendar=self.calendar_for(obligation, meant)) if own.stop else None
        )

    def repeats_at(
        self, obligation: ObligationChanged, meant: Meant, *, level: int, raised_at: datetime | None, times: int
    ) -> datetime | None:
        """Return when what stands is told again for the `times`-th time at its level; None where it is not."""
        repeat = self.policy.ladder_of(obligation).repeat_of(level)
        if repeat is None or raised_at is None or obligation.state != "open":
            return None
        calendar = self.calendar_for(obligation, meant)
        at = ladder.repeats_at(repeat, raised_at=raised_at, times=times, calendar=calendar)
        rests_at = self.rests_at(obligation, meant)
        return at if at and (rests_at is None or at < rests_at) else None
