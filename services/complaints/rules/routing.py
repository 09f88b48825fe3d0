"""Which unit must act on a feedback, and which one next where it says that the feedback is not its own. Pure.

Whatever a file of routes says: no unit gets what accuses it, its head or who works in it; a denunciation goes above the
accused; and "not ours" never leads back to a unit that had the feedback, so it ends.
law: Luật Tố cáo 2018 (never the denounced), Luật Khiếu nại 2011 (first who issued it, then the superior), NĐ 20/2008.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.complaints.rules.accused import Accused, Matter, accused_of
from services.complaints.rules.fitting import fits
from services.complaints.rules.policy import FeedbackPolicy
from services.complaints.rules.routes import TARGETS, Routes, Rule
from services.complaints.rules.units import Units, above

COMMUNES = frozenset({"xa", "phuong", "dac_khu"})
ABOVE_DENOUNCED = frozenset({"superior_of_accused", "centre"})  # all that a file may name, beside a unit's code
NO_RULE = "-"  # the rule of a route that no rule of the file gave
WORDS = {
    "named_unit": "Đơn vị được nêu trong phản ánh trả lời về việc của mình.",
    "dossier_unit": "Hồ sơ đang do đơn vị này giải quyết.",
    "commune_of_place": "Việc thuộc địa bàn của đơn vị này.",
    "department_of_field": "Đơn vị phụ trách lĩnh vực ở cấp tỉnh.",
    "superior_of_accused": "Cấp trên của bên bị phản ánh, tố cáo xem xét; bên bị phản ánh, tố cáo không nhận.",
    "superior_of_named": "Cấp trên của đơn vị được nêu giải quyết.",
    "centre": "Chưa xác định được đơn vị giải quyết; Trung tâm phân loại.",
    "unit": "Theo quy tắc chuyển xử lý của tỉnh.",
}
RISES = "Chuyển lên cấp trên vì các đơn vị đã nhận đều trả lại."
MOVES_ON = "Đơn vị trước trả lại vì không thuộc thẩm quyền."
BARRED = "Đơn vị lẽ ra nhận là bên bị phản ánh, tố cáo hoặc thuộc quyền của bên đó, nên chuyển lên cấp trên."
NO_SUPERIOR = "Chưa xác định được cấp trên có thẩm quyền; cơ quan theo dõi chung nhận."
NOBODY = "Không có đơn vị nào được phép nhận; người quản trị chuyển cấp có thẩm quyền ngoài hệ thống."


@dataclass(frozen=True, slots=True)
class Route:
    """Where a feedback goes. unit: None: to the operator. rule: the id of the route taken, `-` without one.

    why: Vietnamese, for the staff; names no accused. bypassed: units that may not have it as they or their heads are
    accused, and the persons accused. not_to: who must not be told: opaque ids, and codes of accused units.
    """

    unit: str | None
    rule: str
    why: str
    bypassed: tuple[str, ...] = ()
    not_to: tuple[str, ...] = ()


class _Seen:
    """One matter under one set of rules."""

    def __init__(self, matter: Matter, policy: FeedbackPolicy, routes: Routes, units: Units) -> None:
        self.matter, self.policy, self.routes, self.units = matter, policy, routes, units
        self.accused: Accused = accused_of(matter, policy, units)

    def bars(self, code: str) -> bool:
        return self.accused.bars(code, self.units, on=self.matter.on)

    def standing(self, code: str | None) -> str | None:
        """Return the one unit that stands for another; of several that of the place; None where there is none."""
        several = self.units.stand(code, on=self.matter.on) if code else ()
        if len(several) > 1:
            here = self.commune()
            return here if here in several else None
        return several[0] if several else None

    def commune(self) -> str | None:
        """Return the commune of the place."""
        place = self.matter.place_unit
        several = self.units.stand(place, on=self.matter.on) if place else ()
        if len(several) != 1:
            return None
        line = (several[0], *above(self.units, several[0], on=self.matter.on))
        return next((code for code in line if self.units.kind(code) in COMMUNES), None)

    def target_of(self, rule: Rule) -> str:
        """Return what a rule aims at: a denunciation goes above the accused, or to whom a file names by its code."""
        if self.matter.kind == "denunciation" and rule.to in TARGETS and rule.to not in ABOVE_DENOUNCED:
            return "superior_of_accused"
        return rule.to

    def unit_at(self, target: str) -> str | None:
        """Return the unit in force that a target without a superior means, None where this matter has none."""
        matter = self.matter
        meant = {
            "named_unit": matter.unit,
            "dossier_unit": matter.dossier_unit,
            "department_of_field": self.routes.departments.get(matter.field or ""),
            "centre": self.policy.centre,
        }
        return self.commune() if target == "commune_of_place" else self.standing(meant.get(target, target))

    def rising(self, starts: Iterable[str], *, at_or_above: Iterable[str] = ()) -> Iterator[str]:
        """Yield who may be asked above units, the nearest first: above them all, then oversight, then the centre."""
        on = self.matter.on
        lines = [list(above(self.units, code, on=on)) for code in starts if self.units.kind(code) is not None]
        lines += [[code, *above(self.units, code, on=on)] for code in at_or_above]
        for code in lines[0] if lines else ():
            if all(code in line for line in lines):
                if code == self.policy.province and self.matter.kind in self.policy.acts_for_province:
                    yield self.policy.acts_for_province[self.matter.kind]
                yield code
        yield from self.stand_ins()

    def stand_ins(self) -> tuple[str, ...]:
        """Return who is asked where nobody above is known, or may be."""
        return (*self.policy.kinds[self.matter.kind].oversight, self.policy.centre)

    def first(self, candidates: Iterable[str], *, but: frozenset[str] = frozenset()) -> str | None:
        """Return the first that is in force, had nothing of it and is not accused."""
        standing = (self.standing(code) for code in candidates)
        return next((code for code in standing if code and code not in but and not self.bars(code)), None)

    def above_accused(self) -> Iterator[str]:
        return self.rising(self.accused.units, at_or_above=self.accused.staff)

    def told(self, unit: str | None, rule: str, why: str, passed: Iterable[str] = ()) -> Route:
        if unit is None:
            why = NOBODY
        return Route(unit, rule, why, self._bypassed(unit, passed), self.accused.not_to)

    def _bypassed(self, unit: str | None, passed: Iterable[str]) -> tuple[str, ...]:
        if not self.matter.accuses:
            return ()
        barred = [code for code in (*passed, *self.accused.units) if code != unit]
        return (*dict.fromkeys(barred), *sorted(self.accused.persons))


def route(matter: Matter, policy: FeedbackPolicy, *, routes: Routes, units: Units) -> Route:
    """Return which unit must act: the first rule that fits and whose target there is decides.

    Where that unit is accused, or under who is, it goes above the accused; where nobody is known, to the centre; where
    nobody may have it, to the operator.
    """
    seen = _Seen(matter, policy, routes, units)
    for rule in routes.on(matter.on):
        if fits(rule.when, matter, units) and (found := _by(rule, seen)):
            return found
    if matter.kind == "denunciation":
        return _above_accused(seen, NO_RULE)
    centre = seen.first([policy.centre])
    return seen.told(centre, NO_RULE, WORDS["centre"]) if centre else _above_accused(seen, NO_RULE)


def next_after_not_ours(
    refused: Sequence[str], matter: Matter, policy: FeedbackPolicy, *, routes: Routes, units: Units
) -> Route:
    """Return who gets a feedback next. refused: the units that said it is not their own, the last one last.

    Another route while there may be moves; then, and where somebody is accused or a settlement contested, the superior
    of the last unit. Never a unit that had it: it ends with the operator at last.
    """
    if not refused:
        return route(matter, policy, routes=routes, units=units)
    seen = _Seen(matter, policy, routes, units)
    had = frozenset(one for unit in refused for one in (unit, *units.stand(unit, on=matter.on)))
    if len(refused) <= policy.moves and not matter.accuses and matter.instance == 1:
        for rule in routes.on(matter.on):
            if fits(rule.when, matter, units) and (unit := seen.first(_of(rule, seen), but=had)):
                return seen.told(unit, rule.id, f"{MOVES_ON} {_words(rule, seen.target_of(rule))}")
        if centre := seen.first([policy.centre], but=had):
            return seen.told(centre, NO_RULE, f"{MOVES_ON} {WORDS['centre']}")
    return seen.told(seen.first(seen.rising([refused[-1]]), but=had), NO_RULE, RISES)


def _of(rule: Rule, seen: _Seen) -> list[str]:
    """Return the unit of a rule that names no superior, if there is one."""
    target = seen.target_of(rule)
    unit = None if target in ("superior_of_accused", "superior_of_named") else seen.unit_at(target)
    return [unit] if unit else []


def _by(rule: Rule, seen: _Seen) -> Route | None:
    """Return what a rule that fits says; None where this matter has no such unit."""
    target = seen.target_of(rule)
    if target == "superior_of_accused":
        return _above_accused(seen, rule.id, rule.why) if seen.matter.accuses else None
    if target == "superior_of_named":
        named = seen.matter.unit
        if named is None or seen.units.kind(named) is None:
            return None
        return seen.told(seen.first(seen.rising([named])), rule.id, _words(rule, target))
    unit = seen.unit_at(target)
    if unit is None:
        return None
    if seen.bars(unit):
        return seen.told(seen.first(seen.above_accused()), rule.id, BARRED, [unit])
    return seen.told(unit, rule.id, _words(rule, target))


def _above_accused(seen: _Seen, rule: str, why: str = "") -> Route:
    unit = seen.first(seen.above_accused())
    if unit in [seen.standing(code) for code in seen.stand_ins()]:
        why = NO_SUPERIOR
    return seen.told(unit, rule, why or WORDS["superior_of_accused"])


def _words(rule: Rule, target: str) -> str:
    return rule.why or WORDS[target if target in WORDS else "unit"]
