"""What is said in place of a notice that did not arrive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.receipts import letter
from services.notify.receipts.letter import Lost
from services.notify.receipts.road import Person, Way
from services.notify.telling import gsm7
from shared.events import ObligationChanged
from shared.heads import in_charge
from shared.worktime import vietnam
from tests.component.office import obligation
from tests.unit.notify.given import at
from tests.unit.notify.test_road import ON, holding, unit

CALENDAR = vietnam()
SLOT = at("2026-11-23 07:30")


def way(why: str = "next_person", *, is_superior: bool = False) -> Way:
    described = unit("A", holding("head", title="Giám đốc Sở"), name="Sở <b>Xây dựng</b>")
    charge = in_charge(described, on=ON)
    assert charge
    return Way(Person(described, charge, is_superior), "email", "head@example.vn", why)  # type: ignore[arg-type]


def matters(number: int) -> list[ObligationChanged]:
    return [ObligationChanged.model_validate(obligation(subject_id=f"M<{one}>")) for one in range(number)]


def written(to: Way, number: int = 2) -> tuple[str, str, str]:
    lost = Lost("email", "Sở <b>Xây dựng</b>", SLOT)
    return letter.letter(to, matters(number), lost=lost, at=SLOT, max_lines=3, calendar=CALENDAR)


def test_what_the_directory_and_sources_write_is_text_and_never_markup() -> None:
    _, text, html = written(way())
    assert "M<0>" in text
    assert "<b>" not in html
    assert "M&lt;0&gt;" in html


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        (way("other_channel"), "vì là người đứng đầu đơn vị và chưa nhận được thông báo trước"),
        (way(), "vì là người thay mặt người đứng đầu đơn vị"),
        (way(is_superior=True), "vì là người đứng đầu cơ quan theo dõi đơn vị"),
    ],
)
def test_a_letter_says_why_it_came_to_this_person(to: Way, reason: str) -> None:
    for form in written(to)[1:]:
        assert reason in form


def test_a_long_list_ends_with_how_many_more_there_are() -> None:
    subject, text, _ = written(way(), 10)
    assert text.count("\n- M<") == 3
    assert "- … và 7 việc khác" in text
    assert "10 việc cần xử lý" in subject


@given(name=st.text(max_size=300), number=st.integers(1, 99_999), why=st.sampled_from(["next_person", "other_channel"]))
def test_an_sms_is_one_part_whatever_the_unit_is_called(name: str, number: int, why: str) -> None:
    for channel in ("email", "sms"):
        said = letter.sms(way(why), number, lost=Lost(channel, name, SLOT), calendar=CALENDAR)
        assert gsm7.septets(said) <= gsm7.PART
        assert f"{number} viec can xu ly" in said
