"""Notices of one slot that tell other matters are not taken for one another when one of them does not arrive."""

# ruff: noqa: F811 - fixtures are taken by name

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from services.notify.policies.file import CARRIED
from shared.events import DeadlinePassed
from tests.component.office import (
    DOSSIER,
    FRIDAY_1600,
    FRIDAY_1601,
    MONDAY_0730,
    Open,
    at,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
    text_of,
)
from tests.component.receiving import DEPUTY, HEAD, UNITS, instead, refuse

REPORT = {"obligation_id": "report/1", "kind": "report", "subject_id": "BC-1", "due_at": FRIDAY_1600}


@pytest.fixture
def at_once(tmp_path: Path) -> Path:
    """Return a policy by which dossiers are told at once, and reports by a digest."""
    document = yaml.safe_load(CARRIED.read_text("utf-8"))
    for level in document["ladders"]["dossier"]["levels"]:
        level["at_once"] = True
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


async def test_a_lost_mail_of_what_went_at_once_is_not_covered_by_the_digest_of_that_instant(
    office: Open, at_once: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = refuse(monkeypatch)
    async with office(units=UNITS, policy=at_once) as here:
        await here.hear(DeadlinePassed, **REPORT)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        [digest] = here.box.taken
        assert digest["To"] == HEAD
        refused.add(HEAD)
        for number in ("", "/2"):  # two things told at once at the same instant
            about = {"obligation_id": f"dossier/{DOSSIER}{number}", "subject_id": f"{DOSSIER}{number}"}
            await here.hear(DeadlinePassed, **about)
            await here.notify.sweep_up_to(at(MONDAY_0730))
            await here.settle()
        hasty = [notice for notice in await here.notices() if notice["kind"] == "at_once"]
        assert [(one["status"], one["slot"]) for one in hasty] == [("failed", "2026-11-23T00:30:00Z")] * 2
        await here.move_to("2026-11-23T07:31:00+07:00")
        found = await instead(here)
        assert {one["instead_of"] for one in found} == {one["notice_id"] for one in hasty}
        assert [(mail["To"], "BC-1" in text_of(mail), text_of(mail).count("\n- ")) for mail in here.box.taken[1:]] == [
            (DEPUTY, False, 1)
        ] * 2
