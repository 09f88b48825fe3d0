"""Why a due date is what it is, as data and in Vietnamese, from the facts of a dossier."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from services.deadline import wording
from services.deadline.course import obligation_of
from services.deadline.explaining import explained
from services.deadline.folding import Folded, courses, fold
from services.deadline.limits import Limit, Rule
from services.deadline.reference import carried
from shared.worktime import vietnam
from tests.unit.deadline import saying
from tests.unit.deadline.saying import Message, snapshot

DUE, NOW = "20261125090000", "2026-12-01T09:00:00+07:00"
RULE = {"1.004746": Limit(3, "working_days", "Luật Hộ tịch 2014")}


def told(*messages: Message, limits: Any = RULE) -> dict[str, Any]:
    facts = [fact for message in messages for fact in saying.facts(message)[1]]
    course = courses("dossier/X", [{"raw_code": "X", "facts": facts}], terms=saying.TERMS)[0]
    course.limit = limits.get(course.procedure)
    obligation = obligation_of(course, calendar=vietnam(), near=saying.TERMS.near)
    explanation = explained(Folded(obligation, course, vietnam()), now=NOW)
    computed = explanation["computed"]
    assert (computed and computed["due_at"]) == obligation["computed_due_at"]
    return explanation


def taken(**fields: Any) -> Message:
    return snapshot("2026-11-20T16:05:00", NgayTiepNhan="20261120160000", MaTTHC="1.004746", NgayHenTra="", **fields)


def test_a_due_date_of_ours_names_rule_basis_and_holidays() -> None:
    explanation = told(taken())
    assert explanation["sentence"] == (
        "Tính từ 16:00 ngày 20/11/2026, thời hạn 3 ngày làm việc (căn cứ Luật Hộ tịch 2014); không tính ngày "
        "24/11/2026 (Ngày Văn hóa Việt Nam); hạn là 16:00 ngày 26/11/2026."
    )
    assert explanation["computed"]["rule"] == {"value": 3, "unit": "working_days", "basis": "Luật Hộ tịch 2014"}
    assert explanation["calendar_version"] == vietnam().version


def test_the_sources_date_goes_before_ours_and_each_one_announced_is_listed() -> None:
    first = snapshot(
        "2026-11-20T16:05:00", NgayTiepNhan="20261120160000", MaTTHC="1.004746", NgayHenTra="20261127160000"
    )
    later = snapshot(
        "2026-11-25T09:00:00", NgayTiepNhan="20261120160000", MaTTHC="1.004746", NgayHenTra="20261202160000"
    )
    explanation = told(first, later)
    assert [one["due_at"][:10] for one in explanation["announced"]] == ["2026-11-27", "2026-12-02"]
    assert explanation["sentence"].startswith("Hạn 16:00 ngày 02/12/2026 do motcua-1 báo; hạn này là căn cứ")
    assert explanation["sentence"].endswith("hạn là 16:00 ngày 26/11/2026.")


def test_without_a_date_and_without_a_rule_it_says_that_there_is_none() -> None:
    explanation = told(taken(), limits={})
    assert explanation["computed"] is None
    assert explanation["sentence"] == "Chưa có hạn: nguồn không báo hạn và không có thời hạn để tính."


def test_what_the_local_software_would_print_stands_beside_the_law() -> None:
    """Saturday 22/8/2026 is worked for Monday 31/8: a working day of the law, none of the software."""
    message = snapshot("2026-08-19T09:05:00", NgayTiepNhan="20260819090000", MaTTHC="1.004746", NgayHenTra="")
    explanation = told(message)
    assert explanation["computed"]["due_at"] == "2026-08-22T09:00:00+07:00"
    assert explanation["local_software_due_at"] == "2026-08-24T09:00:00+07:00"


def test_the_rule_that_was_chosen_is_named_with_its_case_and_validity() -> None:
    chosen = Rule(case="TH1", value=5, unit="working_days", difficult_days=10, valid_from=date(2025, 7, 1), basis="NĐ")
    explanation = told(taken(), limits={"1.004746": Limit(15, "working_days", "NĐ", chosen)})
    assert explanation["computed"]["rule"] == {
        "value": 15,
        "unit": "working_days",
        "basis": "NĐ",
        "case": "TH1",
        "channel": None,
        "valid_from": "2025-07-01",
        "valid_until": None,
        "difficult_days": 10,
    }


def test_letters_of_apology_are_told_with_their_time() -> None:
    """The date announced is 25/11; the working day before is 23/11, as 24/11 is a holiday."""
    letter = {"issued": "2026-11-24T08:00:00+07:00", "before": None, "after": "2026-12-02T09:00:00+07:00"}
    first, *others = saying.facts(snapshot("2026-11-20T16:05:00", NgayTiepNhan="20261120160000", NgayHenTra=DUE))[1]
    apology: Any = {**first, "id": "letter", "slot": "apology.1", "value": letter, "at": letter["issued"]}
    data = {"raw_code": "X", "facts": [first, *others, apology]}
    [folded] = fold("dossier/X", [data], known=carried(), terms=saying.TERMS)
    explanation = explained(folded, now=NOW)
    assert explanation["sentence"].endswith(
        "Đã có 1 văn bản xin lỗi và đề nghị gia hạn, gần nhất lúc 08:00 ngày 24/11/2026, "
        "hẹn lại 09:00 ngày 02/12/2026; gửi chậm, không trước hạn ít nhất một ngày làm việc."
    )
    [shown] = explanation["apologies"]
    assert shown == {
        "issued": letter["issued"],
        "due_before": "2026-11-25T09:00:00+07:00",
        "due_after": letter["after"],
        "in_time": False,
    }
    assert "apology_late" in folded.obligation["flags"]


def test_a_paused_dossier_says_when_it_would_be_due_if_it_went_on_now() -> None:
    """Due on 26/11 at 16:00; asked for papers on Monday 23/11 at 07:00, and on 25/11 at 07:00 still waiting: a day."""
    asked = taken(DanhSachHoSoBoSung=[{"NgayBoSung": "20261123070000"}])
    facts = saying.facts(asked)[1]
    [folded, *_] = fold("dossier/X", [{"raw_code": "X", "facts": facts}], known=carried(), terms=saying.TERMS)
    folded.course.limit = RULE["1.004746"]
    told = explained(folded, now="2026-11-25T07:00:00+07:00")
    assert told["projected_due_at"] == "2026-11-27T16:00:00+07:00"
    assert "nếu tiếp tục ngay thì hạn là 16:00 ngày 27/11/2026." in told["sentence"]
    assert told["pauses"] == [{"from": "2026-11-23T07:00:00+07:00", "to": None, "effect": "suspend"}]
    assert told["computed"]["due_at"] == "2026-11-26T16:00:00+07:00"


def test_a_due_time_that_a_calendar_moved_says_what_it_was() -> None:
    [folded, *_] = fold(
        "dossier/X", [{"raw_code": "X", "facts": saying.facts(taken())[1]}], known=carried(), terms=saying.TERMS
    )
    at, before = (datetime.fromisoformat(f"2026-11-{day}T09:00:00+00:00") for day in (20, 25))
    after = before + timedelta(days=1)
    move = {"at": at, "because": "calendar", "due_before": before, "due_after": after}
    told = explained(folded, now=NOW, moved=[move | {"computed_before": before, "computed_after": after}])
    assert told["sentence"].endswith(
        "Hạn tính theo quy định được tính lại do lịch làm việc thay đổi: trước là 16:00 ngày 25/11/2026, "
        "nay là 16:00 ngày 26/11/2026."
    )


def test_corrections_are_told_with_who_and_why_and_many_by_their_number() -> None:
    at = "2026-11-21T09:00:00+07:00"
    one = {
        "slot": "due", "value": "2026-11-25T09:00:00+07:00", "said_by": "motcua-1", "retracted_by": "operator",
        "retracted_at": at, "reason": "Nhập nhầm.",
    }  # fmt: skip
    standing = {**one, "slot": "supplement.2", "value": {"requested": at}}
    corrected = {"part_of": None, "joined": ["ML-1"], "retracted": [one, standing]}
    assert list(wording.of_corrections(corrected, left=False)) == [
        "Hồ sơ này còn có mã khác: ML-1.",
        "Không tính hạn trả kết quả 09:00 ngày 25/11/2026 do motcua-1 báo: người vận hành đã rút lại lúc "
        "09:00 ngày 21/11/2026, lý do: Nhập nhầm.",
        "Không tính yêu cầu bổ sung do motcua-1 báo: người vận hành đã rút lại lúc 09:00 ngày 21/11/2026, "
        "lý do: Nhập nhầm.",
        "Không còn thông tin nào được tính, nên không theo dõi hạn.",
    ]
    many = list(wording.of_corrections({**corrected, "joined": [], "retracted": [one] * 5}, left=True))
    assert (len(many), many[-1]) == (4, "Tổng cộng 5 thông tin đã được rút lại.")
