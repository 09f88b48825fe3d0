"""The page of a link, and the form it sends."""

from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import ValidationError

from services.notify.answering import page, shapes
from services.notify.answering.page import View
from services.notify.answering.shapes import Absent, FormError, NotOurs, Promise
from services.notify.pressing.stays import Stay
from shared.events import Holding
from tests.unit.notify.given import RULES, at, obligation

MONDAY = at("2026-11-23 08:00")
ID = obligation().obligation_id


def view(**changes: Any) -> View:
    given = {
        "post": "H56.12",
        "unit": "Sở Nông nghiệp và Môi trường",
        "slot": at("2026-11-23 07:30"),
        "items": 3,
        "open": [(obligation(), ())],
        "total": 1,
        "given": (),
        "deputies": (),
        "expires_at": at("2026-12-07 07:30"),
        "at": MONDAY,
        "rules": RULES,
        **changes,
    }
    return View(**given)


def stay(kind: str, state: str = "running", **more: Any) -> Stay:
    return Stay(ID, "H56.12", kind, 1, 1, MONDAY, at("2026-11-28 00:00"), state=state, **more)  # type: ignore[arg-type]


def test_the_days_that_may_be_chosen_are_those_of_the_policy() -> None:
    shown = page.render(view())
    assert '<input type="date" name="promise_until" min="2026-11-23" max="2026-12-01">' in shown
    assert "(muộn nhất 01/12/2026)" in shown
    assert "hạn 16:00 20/11/2026 · quá hạn" in shown


def test_of_very_many_matters_the_rest_is_counted() -> None:
    many = [(obligation(obligation_id=f"dossier/{n}"), ()) for n in range(page.SHOWN)]
    shown = page.render(view(open=many, total=5000))
    assert shown.count('type="checkbox"') == page.SHOWN
    assert "Trả lời chung cho tất cả 5000 việc" in shown
    assert "… và 4800 việc khác không hiển thị" in shown


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ((stay("promise"),), "đã hẹn giải quyết xong trong ngày 27/11/2026"),
        ((stay("promise", "missed"),), "đã hẹn giải quyết xong trong ngày 27/11/2026 nhưng chưa thực hiện"),
        ((stay("not_ours"),), "đã báo không thuộc trách nhiệm của đơn vị, chờ xác nhận"),
        ((stay("settled", "over"),), "đã báo giải quyết xong"),
        ((stay("promise"), stay("settled")), "đã báo giải quyết xong, chờ xác nhận; đã hẹn giải quyết xong"),
    ],
)
def test_each_matter_says_what_was_answered_about_it(answers: Any, said: str) -> None:
    assert f"<em>{said}" in page.render(view(open=[(obligation(), answers)]))


def test_names_and_reasons_are_escaped() -> None:
    evil = '"><b>x</b>'
    deputy = Holding(post=evil, role="deputy", title=evil, name=evil, person="p")
    told = {"kind": "promise", "reason": evil, "until_on": MONDAY.date(), "answered_at": MONDAY, "covers": 1}
    shown = page.render(view(unit=evil, deputies=[deputy], given=[told]), problems=[evil])
    assert "<b>" not in shown
    assert shown.count("&#34;&gt;&lt;b&gt;x&lt;/b&gt;") == 6


def test_refusals_are_told_by_their_reason_with_a_few_codes() -> None:
    many = [(obligation(obligation_id=f"d/{n}", subject_id=f"HS-{n}"), ()) for n in range(8)]
    told = page.refused({f"d/{n}": "too_far" if n < 7 else "standing" for n in range(8)}, view(open=many, total=8))
    assert told == [
        "Không ghi nhận cho 1 việc: đang có một trả lời khác còn hiệu lực. HS-7",
        "Không ghi nhận cho 7 việc: ngày hẹn quá xa (muộn nhất 01/12/2026). HS-0, HS-1, HS-2, HS-3, HS-4, …",
    ]


def form(**fields: Any) -> bytes:
    return urlencode(fields, doseq=True).encode()


def test_the_form_gives_the_answer_chosen_and_nothing_of_the_others() -> None:
    filled = {
        "promise_until": "2026-11-27", "promise_reason": " Chờ thẩm định\r\nđến thứ Sáu ", "settled_reason": "x",
        "not_ours_reason": "Sở Xây dựng", "absence_since": "2026-11-24", "absence_until": "2026-11-25",
        "absence_deputy": "pgd1", "about": "ticked", "o": ["d/1", "d/2"],
    }  # fmt: skip
    promise = shapes.from_form(form(answer="promise", **filled))
    assert isinstance(promise, Promise)
    assert (promise.reason, promise.obligations) == ("Chờ thẩm định\nđến thứ Sáu", ["d/1", "d/2"])
    other = shapes.from_form(form(answer="not_ours", **{**filled, "about": "all"}))
    assert other == NotOurs(answer="not_ours", reason="Sở Xây dựng")
    absent = shapes.from_form(form(answer="absence", **filled))
    assert isinstance(absent, Absent)
    assert (absent.until.day, absent.deputy) == (25, "pgd1")


def test_ticked_without_a_tick_means_nothing_and_not_all() -> None:
    chosen = {"answer": "settled", "about": "ticked"}
    with pytest.raises(ValidationError):
        shapes.from_form(form(**chosen))


@pytest.mark.parametrize("body", [b"\xff", b"nothing", b"&".join([b"o=1"] * 6000)])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(FormError):
        shapes.from_form(body)
