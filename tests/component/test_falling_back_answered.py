"""A letter in place of a lost one has a link of its own, where whoever gets it may answer."""

# ruff: noqa: F811 - fixtures are taken by name

from __future__ import annotations

import pytest

from shared.events import DeadlinePassed
from tests.component.answering import PUBLIC, desk
from tests.component.office import (
    DOSSIER,
    FRIDAY_1601,
    MONDAY_0730,
    Open,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
    text_of,
)
from tests.component.receiving import DEPUTY, HEAD, UNITS, instead, refuse
from tests.component.test_answering_cases import ABSENCE


async def test_who_is_told_in_the_heads_place_can_promise_and_tells_no_absence(
    office: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, HEAD)
    async with desk(office, units=UNITS) as at_work:
        await at_work.office.hear(DeadlinePassed)
        for instant in (FRIDAY_1601, MONDAY_0730, "2026-11-23T07:31:00+07:00"):
            await at_work.office.move_to(instant)
        [mail] = at_work.office.box.taken
        [notice] = await instead(at_work.office)
        assert (mail["To"], notice["why"]) == (DEPUTY, ["next_person"])
        path = at_work.link()
        assert (await at_work.promise(path)).json()["covered"] == [f"dossier/{DOSSIER}"]
        assert [one["notice_id"] for one in await at_work.answers()] == [notice["notice_id"]]
        assert (await at_work.send(path, **{**ABSENCE, "deputy": "H56.12/2"})).status_code == 409


async def test_the_head_above_who_is_not_pressed_yet_has_no_link(office: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, HEAD, DEPUTY)
    async with desk(office, units=UNITS) as at_work:
        await at_work.office.hear(DeadlinePassed)
        for instant in (FRIDAY_1601, MONDAY_0730, "2026-11-23T07:31:00+07:00", "2026-11-23T07:32:00+07:00"):
            await at_work.office.move_to(instant)
        [mail] = at_work.office.box.taken
        assert mail["To"] == "th-snv@example.vn"
        assert PUBLIC not in text_of(mail)
