"""Policy files: one policy or several with the days from which they are in force; each fault with its line.

Pure but for reading the file.
"""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path

from services.notify.policies.policy import Policy
from shared.clock import PROVINCE_ZONE
from shared.rule_files import Editions, read_editions, text_of

CARRIED = Path(__file__).parent / "data" / "policy.yaml"


class Policies(Editions[Policy]):
    """The policies of a file, the one that is in force first at the head. written: where each stands."""

    def at(self, moment: datetime) -> Policy:
        """Return the policy in force; before the first of them enters into force it is that one all the same."""
        return self.on(moment.astimezone(PROVINCE_ZONE).date())

    def next_at(self, moment: datetime) -> datetime | None:
        """Return when another one enters into force, None where none will."""
        on = moment.astimezone(PROVINCE_ZONE).date()
        days = [one.valid_from for one in self.several[1:] if one.valid_from and one.valid_from > on]
        return datetime.combine(days[0], time(), PROVINCE_ZONE) if days else None


def read(text: str) -> Policies:
    """Return the policies of a YAML text. raises: RuleFileError - not YAML, or something in it is wrong."""
    return Policies(*read_editions(text, Policy, several="policies", holds="version, slots, ladders"))


def load(path: Path | None) -> Policies:
    """Return the policies of a file, or those the program carries. raises: RuleFileError - also if it is unreadable."""
    return read(text_of(path or CARRIED))


def carried() -> Policy:
    """Return the policy that the program carries."""
    return load(None).several[0]
