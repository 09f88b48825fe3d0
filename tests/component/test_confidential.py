"""What is or may be a denunciation: pressed for, and in no list, count or page of the operator. On real servers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.notify.overview import list_escalations, list_notices
from shared import events
from shared.cloudevents import outgoing
from shared.events import DeadlinePassed, ObligationChanged
from tests.component import test_console as console
from tests.component.office import (
    FRIDAY_1601,
    LAND,
    MONDAY_0730,
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
from tests.servers import Database, drop_database, fresh_database

HIDDEN: dict[str, Any] = {
    "obligation_id": "answer/PA-2222-2222-2222/acceptance",
    "parent": "answer/PA-2222-2222-2222",
    "kind": "answer",
    "subject_id": "PA-2222-2222-2222",
    "source": "complaints",
    "field": None,
    "procedure": None,
    "confidential": True,
}
PROVINCE = unit("H56", name="Tỉnh mẫu", parent_code=None, head_title="Chủ tịch Ủy ban nhân dân tỉnh")


async def _escalated(here: Office) -> tuple[list[str], list[str]]:
    """Return what the lists tell of: escalations, and what notices cover."""
    async with here.notify.engine.connect() as connection:
        raised = await list_escalations(connection, unit=None, after="", limit=9)
        notices = await list_notices(connection, status=None, after=(at(FRIDAY_1601), ""), limit=9)
    covered = [one["obligation_id"] for notice in notices for one in notice["covers"]]
    return [one["obligation_id"] for one in raised], covered


async def test_its_head_reads_the_code_alone_and_no_list_or_page_tells_of_it(
    office: Open,  # noqa: F811 - the fixture
) -> None:
    async with office(units=(OVERSIGHT, LAND, PROVINCE)) as here:
        await here.hear(DeadlinePassed, **HIDDEN)
        await here.move_to(FRIDAY_1601)
        await here.move_to(MONDAY_0730)
        [mail] = here.box.taken
        assert "1 việc đang quá hạn (1 mới báo)" in str(mail["Subject"])
        assert "PA-2222-2222-2222 · vụ việc thuộc diện bảo mật · hạn" in text_of(mail)
        assert not [word for word in ("tố cáo", "khiếu nại", "phản ánh", "thụ lý") if word in text_of(mail)]
        assert await _escalated(here) == ([], [])

        await here.move_to("2026-11-23T08:00:00+07:00")
        assert len(here.box.taken) == 1  # the page of the week has nothing to count

        await here.hear(DeadlinePassed)
        await here.hear(ObligationChanged, **HIDDEN, revision=5, due_at=at("2026-11-20T15:00:00+07:00"))
        await here.move_to(MONDAY_1400)
        second = here.box.taken[1]
        assert "2 việc đang quá hạn" in str(second["Subject"])
        raised, covered = await _escalated(here)
        assert raised == covered == ["dossier/000.00.12.H56-261120-0007"]


def complaint(number: int, **changes: Any) -> Any:
    said = {
        "code": f"PA-2222-2222-222{number}",
        "revision": 1,
        "unit": "H56.12",
        "dossier": None,
        "filed_at": console.NOW,
        "answered_at": None,
        "answer_working_days": 15,
    }
    told = events.ComplaintRouted.model_validate(said | changes)
    return outgoing(events.ComplaintRouted, id=f"PA:{number}", about=told.code, time=console.NOW, data=told)


async def test_the_console_counts_each_part_by_itself_and_nothing_that_is_confidential(
    nats_url: str, postgres_url: str
) -> None:
    database: Database = await fresh_database(postgres_url, migrated=["console"])

    def part(number: int, name: str = "", **more: Any) -> Any:
        id = f"answer/PA-2222-2222-222{number}"
        more |= {"obligation_id": f"{id}/{name}" if name else id, "parent": id if name else None}
        due_at = console.NOW - timedelta(days=1)
        return console.obligation(100 + number + 10 * len(name), kind="answer", due_at=due_at, **more)

    async with console.serving(nats_url, database) as (started, client):
        overview = await console.hear(
            started,
            part(1),
            part(1, "screening"),
            part(2, "settlement"),
            part(3, confidential=True, restricted=("p1",)),
            part(3, "settlement", confidential=True),
            escalation("answer/PA-2222-2222-2221"),
            escalation("answer/PA-2222-2222-2223/settlement"),
            complaint(1, state="accepted"),
            complaint(2, state="refused"),
            complaint(3, restricted=True),
            complaint(4, answered_at=console.NOW),  # as it was said before states were
        )
        assert [(line.code, line.open, line.overdue) for line in overview.others] == [
            ("answer", 1, 1),
            ("answer/screening", 1, 1),
            ("answer/settlement", 1, 1),
        ]
        assert (overview.total.feedback, overview.total.others_overdue) == (1, 3)
        assert overview.escalations == {1: 1}
        assert (overview.feedback, overview.waiting) == ({"accepted": 1, "refused": 1, "answered": 1}, 1)
        assert (await started.status())["counts"]["others"]["overdue"] == 3
        shown = await client.get("/", params={"key": console.API_KEY}, follow_redirects=True)
        assert "Đang giải quyết: 1" in shown.text
        assert "Tiếp nhận, phân loại phản ánh, kiến nghị" in shown.text
    await drop_database(postgres_url, database)


def escalation(id: str) -> Any:
    told = events.EscalationRaised(
        obligation_id=id, revision=1, unit="H56.12", level=1, raised_at=console.NOW, closed_at=None
    )
    return outgoing(events.EscalationRaised, id=f"{id}:1", about=id, time=console.NOW, data=told)
