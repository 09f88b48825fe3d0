"""Feedback is found by its words on a real PostgreSQL; what is sealed is not, however it is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.finding import searching
from services.complaints.finding.duplicates import suggest_duplicates
from services.complaints.finding.query import read
from services.complaints.finding.searching import Filters, search
from services.complaints.finding.store import ALL, Visible, index, remove
from tests.component.finding import AT, feedback, feedbacks, opened

CODE = "000.00.12.H56-261120-0007"
LOST = "Hồ sơ đăng ký biến động đất của tôi nộp từ tháng 8 tại bộ phận một cửa, đến nay cán bộ vẫn chưa trả kết quả."
LOST_AGAIN = (
    "ho so dang ky bien dong dat cua toi nop tu thang 9 tai bo phan mot cua, den nay can bo van chua tra ket qua"
)


@pytest_asyncio.fixture
async def connection(postgres_url: str) -> AsyncIterator[AsyncConnection]:
    async with opened(postgres_url) as made:
        yield made


@pytest.fixture(params=["looked at", "by index"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Find by either way alone."""
    if request.param == "by index":
        monkeypatch.setattr(searching, "NEWEST", 0)


async def found(connection: AsyncConnection, typed: str, **more: Any) -> list[int]:
    page = await search(connection, read(typed), visible=more.pop("visible", ALL), filters=Filters(**more))
    return [one.complaint_id for one in page.found]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ("ho so ", [3, 2, 1]),  # without marks: all
        ("hồ sơ ", [3, 1]),  # with marks: those, and what is written without any
        ("hộ so ", [3, 2]),
        ('"so cua ho"', [2]),
        ("hồ sơ -hạn", [3]),
        ("ho so qua h", []),
        ("toi bi ma", []),
        ("toi bi mấ", [2]),
        ("ho so qua ha", []),
        ("ho so qua hạ", [1]),
        ("261120-0007", [4, 1]),
        ("000.00.12.h56-261120", [4, 1]),
        ("PA-0002", [2]),
        ("hac thanh", [4]),
        ("hạc thanh", [4]),
        ("hác thanh", []),
        ("!&|:*()'\\ <->", [4, 3, 2, 1]),  # asks for nothing: all that the filters let pass
        ("-đất", [4, 3, 2, 1]),
    ],
)
async def test_words_find_texts(connection: AsyncConnection, typed: str, ids: list[int]) -> None:
    rows = [
        *feedbacks(f"Hồ sơ {CODE} quá hạn", "Sổ của hộ tôi bị mất", "nop ho so da hai thang chua thay tra"),
        feedback(4, "Đường hỏng", place="Phường Hạc Thành", dossier=CODE),
    ]
    await index(connection, rows)
    assert await found(connection, typed) == ids


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    "odd", ["İstanbul", "ﬁn", "x²", "O'Brien", "a\\'b", "C#", "50%", "日本", "a_b:c*d|e&f", "ẵ" * 60]
)
async def test_odd_letters_are_found_as_they_are_written(connection: AsyncConnection, odd: str) -> None:
    await index(connection, feedbacks(f"Việc {odd} ở đây", "Việc khác", "đất " * 4_000))
    assert await found(connection, f"{odd} ") == [1]


@pytest.mark.usefixtures("way")
async def test_answers_come_page_by_page_with_what_was_found(connection: AsyncConnection) -> None:
    await index(connection, feedbacks(*[f"Việc <b>đất</b> số {number}" for number in range(7)]))
    first = await search(connection, read("dat"), visible=ALL, limit=3)
    rest = await search(connection, read("dat"), visible=ALL, limit=3, before=first.next)
    last = await search(connection, read("dat"), visible=ALL, limit=3, before=rest.next)
    ids = [[one.complaint_id for one in page.found] for page in (first, rest, last)]
    assert (ids, last.next) == ([[7, 6, 5], [4, 3, 2], [1]], None)
    assert [(piece.text, piece.hit) for piece in last.found[0].extract.pieces] == [
        ("Việc <b>", False), ("đất", True), ("</b> số 0", False),
    ]  # fmt: skip


@pytest.mark.usefixtures("way")
async def test_filters_and_what_the_caller_may_see_hold_for_every_answer(connection: AsyncConnection) -> None:
    rows = [
        feedback(1, "đất"), feedback(2, "đất", handler="H56.13"), feedback(3, "đất", state="answered"),
        feedback(4, "đất", kind="complaint"), feedback(5, "đất", not_to=("person-7",)),
    ]  # fmt: skip
    await index(connection, rows)
    assert await found(connection, "dat", handler="H56.13") == [2]
    assert await found(connection, "dat", state="answered") == [3]
    assert await found(connection, "dat", kind="complaint") == [4]
    hour = timedelta(hours=1)
    assert await found(connection, "dat", since=AT + 2 * hour, until=AT + 4 * hour) == [3, 2]
    own = Visible(
        "finding.handler = :may_unit AND NOT (finding.not_to && CAST(:may_ids AS text[]))",
        {"may_unit": "H56.12", "may_ids": ["person-7", "H56.12"]},
    )
    assert await found(connection, "dat", visible=own) == [4, 3, 1]
    assert await found(connection, "", visible=own, kind="complaint") == [4]
    with pytest.raises(ValueError, match="may_"):
        Visible("finding.handler = :limit", {"limit": "x"})


@pytest.mark.usefixtures("way")
async def test_a_text_that_changes_is_found_by_its_new_words_alone(connection: AsyncConnection) -> None:
    await index(connection, feedbacks("đường hỏng", LOST))
    await index(connection, [feedback(1, "cầu sập", state="answered")])
    assert (await found(connection, "duong "), await found(connection, "cầu ")) == ([], [1])
    assert await connection.scalar(text("SELECT count(*) FROM complaints.finding_band")) == 32


async def test_what_is_sealed_leaves_nothing_behind(connection: AsyncConnection) -> None:
    await index(connection, feedbacks(LOST, LOST_AGAIN))
    assert [one.code for one in await suggest_duplicates(connection, 2, visible=ALL)] == ["PA-0001"]
    await remove(connection, [1, 99])
    assert await found(connection, "biến động") == [2]
    assert await suggest_duplicates(connection, 2, visible=ALL) == []
    assert await suggest_duplicates(connection, 1, visible=ALL) == []
    for table in ("finding", "finding_band"):
        left = await connection.execute(text(f"SELECT DISTINCT complaint_id FROM complaints.{table}"))
        assert left.scalars().all() == [2]


async def test_the_same_matter_told_again_is_suggested_with_reasons(connection: AsyncConnection) -> None:
    rows = [
        feedback(1, LOST, place="xã Mẫu"),
        feedback(2, LOST_AGAIN, place="Xa Mau", handler="H56.13"),
        feedback(3, "Cán bộ hẹn mãi không trả sổ, tôi đi lại sáu lần.", dossier=CODE),
        feedback(4, "Giấy tờ bị trễ, mong được xem lại.", dossier=CODE, filed_at=AT + timedelta(days=200)),
        feedback(5, "Đèn đường ở thôn tắt cả tháng, trẻ con đi học về tối rất nguy hiểm.", place="xã Mẫu"),
    ]
    await index(connection, rows)
    [copy] = await suggest_duplicates(connection, 1, visible=ALL)
    assert (copy.code, copy.score > 0.9) == ("PA-0002", True)
    assert copy.reasons == ("lời văn giống 100%", "cùng địa điểm", "gửi trong vòng một ngày")
    [same] = await suggest_duplicates(connection, 3, visible=ALL)
    assert (same.code, same.reasons) == ("PA-0004", ("cùng mã hồ sơ", "cùng đơn vị"))
    assert await suggest_duplicates(connection, 5, visible=ALL) == []


async def test_nothing_is_suggested_that_the_asker_may_not_see(connection: AsyncConnection) -> None:
    rows = [feedback(1, LOST), feedback(2, LOST, handler="H56.13"), feedback(3, LOST, not_to=("person-7",))]
    await index(connection, rows)
    own = Visible("finding.handler = :may_unit", {"may_unit": "H56.12"})
    assert [one.code for one in await suggest_duplicates(connection, 1, visible=own)] == ["PA-0003"]
    assert await suggest_duplicates(connection, 2, visible=own) == []  # the asker may not see what is asked about
    assert len(await suggest_duplicates(connection, 1, limit=1, visible=ALL)) == 1
