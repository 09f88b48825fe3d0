"""Many feedbacks about one unit or officer: the head above is told by mail, once each time it is said."""

from __future__ import annotations

from typing import Any

from shared import bus
from shared.cloudevents import outgoing
from shared.events import PatternSeen
from tests.component.office import (
    MONDAY_1400,
    OVERSIGHT,
    Office,
    Open,
    at,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
    text_of,
    unit,
)
from tests.component.test_notices_who import cases, led

WARD = unit("W", name="Phường Hạc Thành", parent_code="S")


async def seen(here: Office, id: str, **changes: Any) -> None:
    """Let complaints say a pattern."""
    data = {
        "code": "DH-1",
        "revision": 1,
        "about_kind": "unit",
        "about": "W",
        "count": 12,
        "since": at("2026-11-01T08:00:00+07:00"),
        "until": at("2026-11-20T08:00:00+07:00"),
        "to": "S",
        **changes,
    }
    said = outgoing(PatternSeen, id=id, about=data["code"], time=at(MONDAY_1400), data=PatternSeen(**data))
    await bus.publish(here.client, [said])
    await here.settle()


async def test_the_head_above_is_told_once_each_time_it_is_said(
    office: Open,  # noqa: F811 - the fixture
) -> None:
    async with office(units=(OVERSIGHT, unit("S"), WARD)) as here:
        await here.move_to(MONDAY_1400)
        for id in ("first", "again"):
            await seen(here, id)
        [mail] = here.box.taken
        assert mail["To"] == "s@example.vn"
        assert mail["Subject"] == "[Đôn đốc] 12 phản ánh về Phường Hạc Thành: đề nghị xem xét (DH-1)"
        for words in ("Từ ngày 01/11/2026 đến ngày 20/11/2026", "12 phản ánh", "Phường Hạc Thành", "có nhiều phản ánh"):
            assert words in text_of(mail)
        assert "bảo mật" not in text_of(mail)
        await seen(here, "more", revision=2, count=18)
        assert [one["Subject"][10:12] for one in here.box.taken] == ["12", "18"]
        [first, _] = sorted(await here.notices(), key=lambda one: str(one["subject"]))
        assert (first["kind"], first["why"], first["items"]) == ("pattern", ["pattern"], 0)


async def test_what_is_confidential_names_nobody_and_passes_the_accused_over(
    office: Open,  # noqa: F811 - the fixture
) -> None:
    async with office(units=(OVERSIGHT, led("S", "p1"), WARD)) as here:
        await here.move_to(MONDAY_1400)
        await seen(here, "one", about_kind="officer", about="p9", restricted=True, not_to=("p1", "p9"))
        [mail] = here.box.taken
        assert mail["To"] == "th-snv@example.vn"
        told = f"{mail['Subject']} {text_of(mail)}"
        assert "bảo mật" in told
        for hidden in ("p9", "Phường", "cán bộ thuộc"):
            assert hidden not in told


async def test_the_head_of_the_province_gets_none_and_nobody_is_a_case(
    office: Open,  # noqa: F811 - the fixture
) -> None:
    async with office(units=(OVERSIGHT, unit("H56", parent_code=None), WARD)) as here:
        await here.move_to(MONDAY_1400)
        await seen(here, "one", to="H56")
        assert [mail["To"] for mail in here.box.taken] == ["th-snv@example.vn"]
    async with office(units=(unit("S", email=None), WARD)) as here:
        await here.move_to("2026-11-23T15:00:00+07:00")
        await seen(here, "two", code="DH-2", restricted=True, not_to=("S", "W", "TH-SNV"))
        assert here.box.taken == []
        assert ("pattern_unsaid", "DH-2", True) in await cases(here)
