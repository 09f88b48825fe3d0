"""What a policy would have said and to whom, worked out from what happened. Pure: nothing is stored or sent."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import get_args

from services.notify.addressing.directory import Directory
from services.notify.policies.policy import NEAR, NOTHING, Role
from services.notify.policies.when import awake
from services.notify.pressing import pressing
from services.notify.pressing.lines import Line
from services.notify.pressing.pressing import Change, Pressed
from services.notify.pressing.rules import Rules
from shared.events import NoticeChannel, ObligationChanged

SOON_AFTER = timedelta(microseconds=1)
BESIDE: tuple[NoticeChannel, ...] = ("sms", "webhook")  # of a mail
FIRST_LINES = 3  # that a notice is shown with
Said = Counter[str]


@dataclass(frozen=True, slots=True)
class Notice:
    """What one post would have got at one moment.

    reached: somebody has an address. said: matters by what is said of them. levels: by the level that concerns the
    post. first: what the first ones are.
    """

    post: str
    role: Role
    at: datetime
    channels: tuple[NoticeChannel, ...]
    reached: bool
    said: Said
    levels: Counter[int]
    first: tuple[str, ...]

    @property
    def items(self) -> int:
        return self.said.total()


@dataclass
class Trial:
    """One policy at work in memory: `take` what happened in the order of time, and `move_to` the end.

    units: the directory, as it is today. since, until: which notices are kept.
    """

    rules: Rules
    units: Directory
    since: datetime
    until: datetime
    notices: list[Notice] = field(default_factory=list)
    pressed: dict[str, Pressed] = field(default_factory=dict)
    _lines: dict[str, list[Line]] = field(default_factory=dict)
    _timers: list[tuple[datetime, str]] = field(default_factory=list)
    _slots: list[tuple[datetime, str]] = field(default_factory=list)
    _waiting: dict[str, dict[str, datetime]] = field(default_factory=dict)
    _posts: dict[tuple[str | None, str | None, str, tuple[str, ...]], str] = field(default_factory=dict)
    _ended: dict[str, int] = field(default_factory=dict)  # at which revision each went
    _next_policy: datetime | None = None
    _begun: bool = False

    def begin_with(self, states: Iterable[ObligationChanged], *, at: datetime) -> None:
        """Take in what was open before the beginning; what was late then counts as told."""
        self._enter(at)
        for state in states:
            self.take(state, at=at)
        while self._timers and self._timers[0][0] <= at:
            _, id = heapq.heappop(self._timers)
            self._advance(id, at)
        for id, held in self._lines.items():
            self._lines[id] = [replace(line, told=line.level, news=None) for line in held]
        self._waiting.clear()
        self._slots.clear()

    def take(self, state: ObligationChanged, *, at: datetime) -> None:
        """Take in a state; an older one than is known is passed over."""
        self.move_to(at)
        id = state.obligation_id
        old, held = self.pressed.get(id), self._lines.get(id, [])
        if state.revision <= (old.obligation.revision if old else self._ended.get(id, 0)):
            return
        looked_up = old and held and pressing.may_change_hands(old, state)
        meant = self.units.meant(state, parent_name=self._parent_name(state), at=at) if looked_up else None
        self._put(pressing.follow(old, state, held=held, meant=meant, rules=self.rules, at=at), held, at)
        if state.state == "ended" and not self._lines.get(id):
            self._forget(id)

    def _forget(self, id: str) -> None:
        self._ended[id] = self.pressed.pop(id).obligation.revision

    def move_to(self, at: datetime) -> None:
        """Raise, repeat and tell what is due up to `at`, in the order of time; levels before digests of one moment."""
        if not self._begun:
            self._enter(at)
        while True:
            coming = [heap[0][0] for heap in (self._timers, self._slots) if heap]
            first = min(coming, default=at)
            if self._next_policy and self._next_policy <= min(first, at):
                self._enter(self._next_policy)
            elif not coming or first > at:
                return
            elif self._timers and self._timers[0][0] == first:
                due, id = heapq.heappop(self._timers)
                if (known := self.pressed.get(id)) and known.timer_at == due:
                    self._advance(id, due)
            else:
                slot, post = heapq.heappop(self._slots)
                self._tell(post, slot)

    def _enter(self, at: datetime) -> None:
        """Let the policy of that moment be in force, and reckon all timers anew by it."""
        self._begun = True
        policies = self.rules.policies
        if policies is None:
            return
        self._next_policy = policies.next_at(at)
        policy = policies.at(at)
        if policy is self.rules.policy:
            return
        self.rules = replace(self.rules, policy=policy)
        for id, known in self.pressed.items():
            self.pressed[id] = anew = pressing.reckoned(known, rules=self.rules, at=at)
            if anew.timer_at:
                heapq.heappush(self._timers, (anew.timer_at, id))

    def _advance(self, id: str, at: datetime) -> None:
        known, held = self.pressed[id], self._lines.get(id, [])
        meant = self.units.meant(known.obligation, parent_name=self._parent_name(known.obligation), at=at)
        self._put(pressing.advance(known, held=held, rules=self.rules, at=at, meant=meant), held, at)

    def _parent_name(self, state: ObligationChanged) -> str | None:
        parent = self.pressed.get(state.parent) if state.kind == "step" and state.parent else None
        return parent.obligation.unit_name if parent else None

    def _put(self, change: Change, held: list[Line], at: datetime) -> None:
        id = change.pressed.obligation.obligation_id
        self.pressed[id] = change.pressed
        if change.pressed.timer_at:
            heapq.heappush(self._timers, (change.pressed.timer_at, id))
        by_key = {line.key: line for line in held}
        for line in change.gone:
            by_key.pop(line.key, None)
        by_key |= {line.key: line for line in change.lines}
        lines = [self._placed(line, change.pressed, at) if line.news else line for line in by_key.values()]
        if lines:
            self._lines[id] = lines
        else:
            self._lines.pop(id, None)

    def _placed(self, line: Line, of: Pressed, at: datetime) -> Line:
        """Return a line with news with its post, and let it wait for a slot of that post."""
        if line.post is None:
            line = replace(line, post=self._post(line, of))
        assert line.post
        waiting = self._waiting.setdefault(line.post, {})
        slot = self._leaves(line, of, at)
        if line.obligation_id not in waiting or slot < waiting[line.obligation_id]:
            waiting[line.obligation_id] = slot
            heapq.heappush(self._slots, (slot, line.post))
        return line

    def _leaves(self, line: Line, of: Pressed, at: datetime) -> datetime:
        ladder = self.rules.policy.ladder_of(of.obligation)
        if line.news != "settled" and ladder.is_at_once(line.level):
            return awake(self.rules.policy.quiet_hours, calendar=self.rules.calendar_of(line.post), at=at)
        return self.rules.next_slot(at=at, post=line.post)

    def _post(self, line: Line, of: Pressed) -> str:
        obligation = of.obligation
        if line.role == "receiving":
            code = obligation.unit_code
            who = (code, None) if code else (obligation.unit, obligation.unit_name)
        else:
            who = (of.meant.unit, of.meant.unit_name)
        key = (*who, line.role, obligation.restricted)
        if key not in self._posts:
            self._posts[key] = self.units.addressed(
                unit=who[0], unit_name=who[1], role=line.role, restricted=frozenset(obligation.restricted)
            ).post
        return self._posts[key]

    def _tell(self, post: str, slot: datetime) -> None:
        """Make the notice of a post for all that waits for it, and note what its head knows then."""
        waiting = self._waiting.get(post, {})
        due = sorted(id for id, at in waiting.items() if at <= slot)
        told: list[tuple[Line, Pressed]] = []
        for id in due:
            del waiting[id]
            mine = [line for line in self._lines.get(id, ()) if line.post == post and line.news]
            if mine and self._is_covered(self.pressed[id]) and all(line.news != "settled" for line in mine):
                waiting[id] = self.rules.next_slot(at=slot + SOON_AFTER, post=post)
                heapq.heappush(self._slots, (waiting[id], post))
            elif mine:
                told.append((max(mine, key=lambda line: (line.news != "settled", line.level)), self.pressed[id]))
        if told:
            self._note(post, slot, told)

    def _note(self, post: str, slot: datetime, told: list[tuple[Line, Pressed]]) -> None:
        reached = self.units.contact(post) is not None
        if self.since <= slot < self.until:
            roles = {line.role for line, _ in told}
            self.notices.append(
                Notice(
                    post=post,
                    role=next(role for role in get_args(Role) if role in roles),
                    at=slot,
                    channels=("email", *(channel for channel in BESIDE if self._is_asked_for(channel, told))),
                    reached=reached,
                    said=Counter(_what(line) for line, _ in told),
                    levels=Counter(line.level for line, _ in told if line.level > NEAR),
                    first=tuple(_codes(of for _, of in told))[:FIRST_LINES],
                )
            )
        for line, _ in told:
            self._took(line.obligation_id, post, reached=reached)

    def _is_asked_for(self, channel: NoticeChannel, told: Iterable[tuple[Line, Pressed]]) -> bool:
        return channel in self.rules.carried and any(
            line.news != "settled" and self.rules.policy.ladder_of(of.obligation).calls_for(channel, level=line.level)
            for line, of in told
        )

    def _took(self, id: str, post: str, *, reached: bool) -> None:
        kept = []
        for line in self._lines[id]:
            if line.post != post or not line.news:
                kept.append(line)
            elif line.news != "settled":
                kept.append(replace(line, news=None, told=line.level if reached else line.told))
        if kept:
            self._lines[id] = kept
            return
        del self._lines[id]
        if self.pressed[id].obligation.state == "ended":
            self._forget(id)

    def _is_covered(self, of: Pressed) -> bool:
        """Return whether it is a step whose dossier is pressed for at the same unit: one is told of the dossier."""
        if of.obligation.kind != "step" or not of.obligation.parent:
            return False
        dossier = self.pressed.get(of.obligation.parent)
        return dossier is not None and dossier.raised > max(NEAR, NOTHING) and dossier.meant.code == of.meant.code


def _codes(told: Iterable[Pressed]) -> Iterator[str]:
    """Yield the codes of matters; what is confidential is counted and not named."""
    return (of.obligation.subject_id for of in told if not of.obligation.confidential)


def _what(line: Line) -> str:
    if line.news == "settled":
        return "settled"
    if line.role == "receiving":
        return "elsewhere"
    return "near" if line.level == NEAR else line.news or ""
