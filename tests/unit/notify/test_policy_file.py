"""The policy file: what is refused, with which words; and the digest slots."""

import pytest
import yaml

from services.notify.policies import file as policy_file
from services.notify.policies.file import CARRIED
from services.notify.policies.when import next_slot
from shared.rule_files import RuleFileError
from shared.worktime import vietnam
from tests.unit.notify.given import RULES, at


def spoilt(**changes: object) -> str:
    return yaml.safe_dump({**yaml.safe_load(CARRIED.read_text("utf-8")), **changes})


def test_the_carried_policy_is_good() -> None:
    assert [f"{slot:%H:%M}" for slot in policy_file.carried().slots] == ["07:30", "14:00"]


LEVEL = {"level": 1, "after_working_days": 0, "tell": "head"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n- b", "must hold a mapping"),
        ("a: [", "not readable as YAML"),
        (spoilt(slots=["14:00", "07:30"]), "the earliest first"),
        (spoilt(slots=["07:30", 840]), "in quotes"),
        (spoilt(slots=[]), "slots"),
        (spoilt(slot="x"), "slot: there is no such setting"),
        (
            spoilt(ladders={"dossier": {"levels": [LEVEL]}}),
            "none for 'reception', 'step', .*'recommendation'; each",
        ),
        (spoilt(ladders={"dossier": {"levels": [LEVEL, LEVEL]}}), "higher and later"),
        (
            spoilt(ladders={"dossier": {"levels": [{**LEVEL, "tell": "chairman"}]}}),
            "ladders.dossier.levels.0.tell: the Chairman gets the weekly page",
        ),
        (spoilt(roles={"head": "…", "superior": " "}), "roles.superior: the text is missing"),
    ],
)
def test_a_wrong_policy_is_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises(RuleFileError, match=said):
        policy_file.read(text)


def test_a_file_that_cannot_be_read_is_a_policy_error() -> None:
    with pytest.raises(RuleFileError, match="none"):
        policy_file.load(CARRIED / "none")


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        ("2026-11-23 07:30", "2026-11-23 07:30"),
        ("2026-11-23 07:30:01", "2026-11-23 14:00"),
        ("2026-11-23 14:00:01", "2026-11-25 07:30"),  # the 24th is Ngày Văn hóa Việt Nam
        ("2026-11-20 16:00", "2026-11-23 07:30"),
        ("2028-01-01 09:00", "2028-01-03 07:30"),  # the calendar ends: Monday to Friday
    ],
)
def test_the_next_slot_is_on_a_working_day(now: str, slot: str) -> None:
    assert next_slot(RULES.policy.slots, calendar=vietnam(), at=at(now)) == at(slot)
