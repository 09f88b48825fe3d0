"""The digest a head gets: order, words, limits."""

from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

import pytest

from services.notify.telling import digest, entries, why
from services.notify.telling.digest import Rendered
from services.notify.telling.entries import Entry, Head
from services.notify.telling.wording import addressee, between, span
from shared.events import Kind, ObligationChanged, UnitDescribed
from tests.unit.notify.given import RULES, at, obligation, unit

GOLDEN = Path(__file__).parent / "golden"
SLOT = at("2026-11-25 07:30")
NAMES = {"H56.12": "Sở Nông nghiệp và Môi trường"}


def entry(of: ObligationChanged, **changes: Any) -> Entry:
    given: dict[str, Any] = {
        "obligation_id": of.obligation_id,
        "role": "head",
        "level": 1,
        "news": "new",
        "told": -1,
        "revision": of.revision,
        "due_at": of.due_at,
        "resolved": "H56.12",
        "kind": of.kind,
        "backlog": of.backlog,
    }
    return Entry(**{**given, **changes})


def rendered(
    found: list[tuple[ObligationChanged, Entry]],
    *,
    overdue: int,
    kinds: Set[Kind] = frozenset(),
    max_lines: int = 50,
    head: UnitDescribed | None = None,
    post: str = "H56.12",
    names: Mapping[str, str] = NAMES,
) -> Rendered:
    return digest.render(
        entries.sections(entries.merged([e for _, e in found]), max_lines=max_lines),
        head=Head(post, head),
        overdue=overdue,
        kinds=kinds,
        known={of.obligation_id: of for of, _ in found},
        names=names,
        reach={"motcua-1": at("2026-11-25 07:12"), "another": SLOT},
        slot=SLOT,
        at=SLOT,
        policy=RULES.policy,
        calendar=RULES.calendar,
        reasons=why.of([e for _, e in found], stands_in=False),
    )


def dossier(number: int, **changes: Any) -> ObligationChanged:
    code = f"000.00.12.H56-261110-{number:04}"
    return obligation(obligation_id=f"dossier/{code}", subject_id=code, **changes)


def every_kind_of_line() -> list[tuple[ObligationChanged, Entry]]:
    new = dossier(1)
    newer = dossier(2, due_at=at("2026-11-23 07:00"), field=None, procedure=None)
    backlog = dossier(3, due_at=at("2026-03-02 16:00"), backlog=True)
    raised = dossier(4, due_at=at("2026-11-19 16:00"))
    moved = dossier(5, due_at=at("2026-11-23 09:00"))
    ended = dossier(6, state="ended", end="completed", ended_at=at("2026-11-23 10:00"))
    apology = dossier(7, due_at=at("2026-12-04 16:00"))
    near = dossier(8, due_at=at("2026-11-25 16:00"))
    return [
        (new, entry(new)),
        (newer, entry(newer)),
        (backlog, entry(backlog)),
        (raised, entry(raised, news="changed", level=2, told=1)),
        (moved, entry(moved, news="changed", told=1)),
        (ended, entry(ended, news="settled", told=1)),
        (apology, entry(apology, news="settled", told=1)),
        (near, entry(near, level=0)),
    ]


def test_a_digest_reads_as_it_did() -> None:
    head = unit("H56.12", name="Sở Nông nghiệp và Môi trường", head_title="Giám đốc Sở")
    made = rendered(every_kind_of_line(), overdue=12, head=head)
    assert made.subject == (
        "[Đôn đốc] Sở Nông nghiệp và Môi trường: 12 hồ sơ đang quá hạn (3 mới báo), 2 có thay đổi, "
        "2 không còn quá hạn, 1 sắp đến hạn (07:30 25/11/2026)"
    )
    assert made.text == (GOLDEN / "digest.txt").read_text("utf-8")
    assert made.html == (GOLDEN / "digest.html").read_text("utf-8")


def test_beyond_the_limit_matters_are_counted_and_the_longest_overdue_come_first() -> None:
    late = [dossier(n, due_at=at(f"2026-11-{20 - n} 16:00")) for n in range(1, 6)]
    made = rendered([(of, entry(of)) for of in late], overdue=5, max_lines=2)
    assert "Mới quá hạn (5)" in made.text
    assert made.text.index("261110-0005") < made.text.index("261110-0004")
    assert "261110-0003" not in made.text
    assert "… và 3 hồ sơ khác" in made.text
    assert "Ngoài ra" not in made.text


def test_one_matter_in_two_roles_is_one_line_at_the_higher_level() -> None:
    of = dossier(1)
    both = [entry(of, resolved=None), entry(of, role="superior", level=2, resolved=None)]
    [merged] = entries.merged(both)
    assert (merged.level, merged.part) == (2, "long")
    assert entries.merged([entry(of, news="settled"), both[1]]) == [both[1]]


def test_a_superior_reads_which_unit_it_is_about() -> None:
    of = dossier(1)
    made = rendered([(of, entry(of, role="superior", level=2))], overdue=1, post="H56")
    assert "\nQuá hạn kéo dài (1)\n" in made.text
    assert "làm việc · Sở Nông nghiệp và Môi trường\n" in made.text
    assert f"vì là {RULES.policy.roles['superior']}." in made.text


def test_what_was_late_for_long_before_it_was_followed_has_a_heading_of_its_own() -> None:
    old, own = dossier(1, backlog=True), dossier(2)
    made = rendered([(old, entry(old, role="superior", level=2)), (own, entry(own))], overdue=2)
    assert "Mới quá hạn (1)" in made.text
    assert "Quá hạn kéo dài từ trước khi được theo dõi (1)" in made.text
    assert ": 2 hồ sơ đang quá hạn (2 mới báo) (" in made.subject


def test_without_a_name_the_subject_has_the_units_code() -> None:
    of = dossier(1)
    assert rendered([(of, entry(of))], overdue=1, post="H56.99").subject.startswith("[Đôn đốc] H56.99: 1 hồ sơ")


def test_where_nothing_overdue_is_listed_nothing_is_asked_for() -> None:
    near, ended = dossier(1, due_at=at("2026-11-25 16:00")), dossier(2, state="ended", end="completed")
    made = rendered([(near, entry(near, level=0)), (ended, entry(ended, news="settled", told=1))], overdue=0)
    assert ": 1 hồ sơ không còn quá hạn, 1 sắp đến hạn (" in made.subject
    assert "Đề nghị" not in made.text + made.html


def test_the_head_who_was_told_before_another_unit_took_over_is_not_called_a_stand_in() -> None:
    of = dossier(1, state="ended", end="completed")
    made = rendered([(of, entry(of, news="settled", told=1, former="14797"))], overdue=0, post="14797")
    assert "· Sở Nông nghiệp và Môi trường\n" in made.text
    assert "chưa có địa chỉ" not in made.text


def test_a_head_is_addressed_by_title_and_unit_without_saying_a_word_twice() -> None:
    ward, office = "Phường Sầm Sơn", "Văn phòng Đăng ký đất đai Thanh Hóa"
    assert addressee("Chủ tịch Ủy ban nhân dân phường", ward) == "Chủ tịch Ủy ban nhân dân phường Sầm Sơn"
    assert addressee("Giám đốc Sở", "Sở Nội vụ") == "Giám đốc Sở Nội vụ"
    assert addressee("Chánh Thanh tra tỉnh", "Thanh tra tỉnh") == "Chánh Thanh tra tỉnh"
    assert addressee("Giám đốc", office) == "Giám đốc – Văn phòng Đăng ký đất đai Thanh Hóa"


def test_an_unknown_unit_is_named_as_the_source_wrote_it() -> None:
    of = dossier(1, unit="H56.99", unit_name="Phòng Lạ")
    made = rendered([(of, entry(of, resolved=None))], overdue=1, post="H56")
    assert "chưa rõ đơn vị: Phòng Lạ" in made.text
    assert "khi chưa xác định được đơn vị chịu trách nhiệm" in made.text


def test_feedback_is_not_called_a_dossier() -> None:
    of = obligation(obligation_id="answer/PA-1", subject_id="PA-1", kind="answer", field=None, procedure=None)
    assert ": 1 phản ánh, kiến nghị đang quá hạn (1 mới báo) (" in rendered([(of, entry(of))], overdue=1).subject
    other = dossier(1)
    mixed = rendered([(of, entry(of)), (other, entry(other))], overdue=2)
    assert ": 2 việc đang quá hạn (2 mới báo) (" in mixed.subject


def test_what_a_source_wrote_is_not_markup() -> None:
    of = dossier(1, field="<b>Đất</b>")
    made = rendered([(of, entry(of))], overdue=1)
    assert "&lt;b&gt;Đất&lt;/b&gt;" in made.html
    assert "<b>" not in made.html


def test_a_subject_is_one_line() -> None:
    of = dossier(1)
    broken = "H56.12\nBcc: x@example.vn"
    assert "\n" not in rendered([(of, entry(of))], overdue=1, post=broken).subject
    named = rendered([(of, entry(of))], overdue=1, names={"H56.12": "Sở\r\nBcc: x@example.vn"})
    assert named.subject.startswith("[Đôn đốc] Sở Bcc: x@example.vn: 1 hồ sơ")


def test_spans_are_working_days_of_eight_hours() -> None:
    assert span(30) == "1 phút làm việc"
    assert span(59 * 60) == "59 phút làm việc"
    assert span(8 * 3600) == "1 ngày làm việc"
    assert span(19 * 3600) == "2 ngày 3 giờ làm việc"
    assert between(at("2027-12-31 16:00"), at("2028-01-04 16:00"), RULES.calendar) == "4 ngày theo lịch"


BRANCH = "Chi nhánh VPĐKĐĐ Mường Lát"
JOINT = dossier(1, holder=BRANCH, holder_due_at=at("2026-11-20 09:00"), unit_name="UBND xã Mường Lát")
WHY = f"quá hạn 1 ngày 1 giờ làm việc; chậm ở bước xử lý của {BRANCH}, hạn của bước này 09:00 20/11/2026"


def test_the_holder_of_a_late_step_reads_why_it_is_pressed_and_for_whom() -> None:
    made = rendered([(JOINT, entry(JOINT, resolved="CN", joint=True))], overdue=1, post="CN", names={"CN": BRANCH})
    assert f"· {WHY} · đơn vị tiếp nhận: UBND xã Mường Lát\n" in made.text
    assert "\nMới quá hạn (1)\n" in made.text


def test_the_receiving_unit_reads_of_it_for_information_and_is_asked_for_nothing() -> None:
    line = entry(JOINT, role="receiving", level=0, resolved="CN", joint=True)
    made = rendered([(JOINT, line)], overdue=0, names={**NAMES, "CN": BRANCH})
    assert ": 1 hồ sơ chậm ở bước xử lý của đơn vị khác (" in made.subject
    assert "\nĐể biết: hồ sơ chậm ở bước xử lý của đơn vị khác (1)\n" in made.text
    assert f"· {WHY}\n" in made.text
    assert "vì là người đứng đầu đơn vị tiếp nhận hồ sơ, được báo để biết." in made.text
    assert "Đề nghị" not in made.text


def test_a_head_that_stands_in_for_the_holder_and_received_the_dossier_reads_of_it_once() -> None:
    both = [entry(JOINT, role="receiving", level=0, joint=True), entry(JOINT, joint=True)]
    assert entries.merged(both) == [both[1]]


def test_the_end_of_what_another_unit_held_names_that_unit() -> None:
    of = JOINT.model_copy(update={"state": "ended", "end": "completed"})
    line = entry(of, news="settled", told=1, former="H56.12", resolved="CN", joint=True)
    assert f"· đã có kết quả · {BRANCH}\n" in rendered([(of, line)], overdue=0, names={"CN": BRANCH}).text


def task(kind: Kind, **changes: Any) -> ObligationChanged:
    given = {"obligation_id": f"{kind}/X", "subject_id": "X", "kind": kind, "procedure": None}
    return obligation(**{**given, **changes})


NOUNS: list[tuple[Kind, str]] = [
    ("dossier", "hồ sơ"),
    ("reception", "việc tiếp nhận hồ sơ nộp trực tuyến"),
    ("step", "bước xử lý hồ sơ"),
    ("pause", "hồ sơ tạm dừng chờ người nộp"),
    ("answer", "phản ánh, kiến nghị"),
    ("remediation", "nhiệm vụ khắc phục theo kết luận kiểm tra, thanh tra"),
    ("report", "báo cáo định kỳ"),
    ("plan_item", "nhiệm vụ trong kế hoạch cải cách hành chính"),
    ("recommendation", "việc trả lời kiến nghị xử lý kỷ luật"),
]


@pytest.mark.parametrize(("kind", "what"), NOUNS)
def test_a_digest_of_one_kind_calls_it_by_its_name(kind: Kind, what: str) -> None:
    of = task(kind)
    made = rendered([(of, entry(of))], overdue=1)
    assert f": 1 {what} đang quá hạn (1 mới báo) (" in made.subject
    assert f"các {what} quá hạn nêu dưới đây" in made.text


def test_where_a_digest_mixes_kinds_each_row_says_of_which_it_is() -> None:
    found = [(of, entry(of)) for kind, _ in NOUNS for of in (task(kind),)]
    text = rendered(found, overdue=len(found)).text
    assert all(f"- X · {what} · Đất đai · hạn" in text for _, what in NOUNS)
    one = task("report")
    assert "- X · báo cáo định kỳ · Đất đai" in rendered([(one, entry(one))], overdue=3, kinds={"dossier"}).text


def test_a_step_is_told_from_the_others_of_its_dossier_by_who_holds_it() -> None:
    of = task("step", unit_name="Phòng chuyên môn")
    assert "- X · bước xử lý của Phòng chuyên môn · Đất đai" in rendered([(of, entry(of))], overdue=1).text


def test_a_pause_without_end_asks_for_a_decision() -> None:
    of = task("pause")
    asked = "quá thời hạn chờ người nộp 1 ngày 1 giờ làm việc; cần quyết định dừng hoặc tiếp tục giải quyết"
    assert asked in rendered([(of, entry(of))], overdue=1).text


ENDED = {"state": "ended", "ended_at": at("2026-11-23 10:00")}


@pytest.mark.parametrize(
    ("kind", "end", "said"),
    [
        ("reception", "accepted", "đã tiếp nhận lúc 10:00 23/11/2026, trễ hạn 4 giờ làm việc"),
        ("reception", "supplement_asked", "đã yêu cầu bổ sung hồ sơ lúc"),
        ("reception", "refused", "đã từ chối tiếp nhận lúc"),
        ("dossier", "refused", "đã từ chối giải quyết lúc"),
        ("step", "passed_on", "đã chuyển sang bước tiếp theo lúc"),
        ("pause", "resumed", "đã tiếp tục giải quyết lúc"),
        ("report", "submitted", "đã nộp báo cáo, minh chứng lúc"),
        ("plan_item", "submitted", "đã báo cáo hoàn thành lúc"),
        ("recommendation", "submitted", "đã trả lời lúc"),
        ("step", "void", "không còn là việc phải theo dõi\n"),
    ],
)
def test_a_digest_says_how_a_matter_ended(kind: Kind, end: str, said: str) -> None:
    of = task(kind, end=end, **ENDED)
    assert f" · {said}" in rendered([(of, entry(of, news="settled", told=1))], overdue=0).text


@pytest.mark.parametrize(
    ("because", "said"),
    [
        ("calendar", "hạn được tính lại là 16:00 04/12/2026 (lịch làm việc thay đổi)"),
        ("procedure", "hạn được tính lại là 16:00 04/12/2026 (thời hạn của thủ tục thay đổi)"),
        ("directory", "hạn được tính lại là 16:00 04/12/2026 (danh mục đơn vị thay đổi)"),
        (None, "hạn được dời đến 16:00 04/12/2026"),
    ],
)
def test_a_warning_withdrawn_because_reference_data_changed_says_so(because: str | None, said: str) -> None:
    of = dossier(1, due_at=at("2026-12-04 16:00"), because=because)
    assert f"· {said}\n" in rendered([(of, entry(of, news="settled", told=1))], overdue=0).text
    without = dossier(1, due_at=None, because="procedure")
    text = rendered([(without, entry(without, news="settled", told=1))], overdue=0).text
    assert "· 1.012753 · không còn hạn (thời hạn của thủ tục thay đổi)\n" in text
