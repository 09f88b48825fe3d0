"""In which order the facts of a slot count: intake keeps back repeats by it, deadline folds by it. Pure."""

from __future__ import annotations

from shared.events import Fact


def order(fact: Fact) -> tuple[str, int, str, str]:
    return fact["as_of"], fact["rank"], fact["heard"], fact["id"]
