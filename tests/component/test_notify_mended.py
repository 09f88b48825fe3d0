"""A mail that was refused for good is told again where the directory gives its post another address, and only there."""

# ruff: noqa: F811 - fixtures are taken by name

from __future__ import annotations

import pytest

from shared.events import DeadlinePassed
from tests.component.office import (
    FRIDAY_1601,
    LAND,
    MONDAY_0730,
    MONDAY_1400,
    OVERSIGHT,
    WARDS,
    Open,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
)
from tests.component.receiving import refuse


async def test_another_units_new_address_revives_no_refused_mail(office: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    ward = WARDS[0]
    refuse(monkeypatch, LAND.email or "", ward.email or "")
    async with office(units=(OVERSIGHT, LAND, ward)) as here:
        for number, unit in enumerate((LAND, ward)):
            about = {"obligation_id": f"dossier/{number}", "subject_id": f"X{number}", "unit": unit.code}
            await here.hear(DeadlinePassed, **about)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        mended = {"revision": 2, "email": "moi@example.vn"}
        await here.hear_units(ward.model_copy(update=mended), LAND.model_copy(update={"revision": 2, "phone": "1"}))
        await here.move_to(MONDAY_1400)
        later = [one for one in await here.notices() if one["slot"] == "2026-11-23T07:00:00Z"]
        assert [(one["unit"], one["status"]) for one in later if not one["instead_of"]] == [(ward.code, "sent")]
