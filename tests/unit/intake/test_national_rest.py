"""The portal's REST verbs of 2026: the same content says the same facts as in the shape of 2020."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.intake.facts import Receipt, facts_of
from services.intake.memory import Memory
from services.intake.national import read
from services.intake.national_rest import SHAPES
from shared.events import Fact

CODE = "G09.20-20260609-0092637"
HEARD = "2026-06-09T09:00:00+07:00"


def message(verb: str, *elements: Any, **more: Any) -> bytes:
    return orjson.dumps({"service": verb, **more, "data": list(elements)})


def facts(body: bytes, *, heard: str = HEARD) -> list[Fact]:
    taken = read(body, SHAPES)
    assert not taken.refused, taken.refused
    receipt = Receipt.of(datetime.fromisoformat(heard))
    return [
        fact
        for of in taken.objects
        for fact in facts_of(of, message=taken, source="portal", mirror=False, receipt=receipt)
    ]


def wrong(verb: str, **fields: Any) -> str:
    [refused] = read(message(verb, {"MaHoSo": CODE, **fields}), SHAPES).refused
    return f"{refused.reason} {refused.detail}"


OF_2020 = {
    "MaHoSo": CODE, "MaTTHC": "1.004746", "DonViXuLy": "UBND xã Mường Lát", "KenhThucHien": "2", "TrangThaiHoSo": "5",
    "NgayNopHoSo": "20260608153000", "NgayTiepNhan": "20260609083000", "NgayHenTra": "20260616083000",
    "LoaiDoiTuong": "1",
    "DanhSachHoSoBoSung": [{"NgayBoSung": "20260609084500", "NgayHenTraTruoc": "20260616083000"}],
}  # fmt: skip
OF_2026 = {
    "MaHoSo": CODE, "MaTTHC": "1.004746", "DonViXuLy": "UBND xã Mường Lát", "KenhThucHien": 2, "TrangThaiHoSo": 5,
    "NgayNopHoSo": "2026-06-08T15:30:00", "NgayTiepNhan": "2026-06-09T01:30:00Z", "LoaiDoiTuong": 0,
    "NgayHenTra": "2026-06-16T08:30:00.000+07:00", "MaDonViTiepNhan": "G09.20",
    "DanhSachHoSoBoSung": [{"NgayBoSung": "2026-06-09T08:45", "NgayHenTraTruoc": "2026-06-16T08:30:00"}],
}  # fmt: skip
STEP_2020 = {
    "MaHoSo": CODE, "ThoiDiemXuLy": "20260609101500", "TrangThai": "4", "PhongBanXuLy": "Một cửa",
    "NgayKetThucTheoQuyDinh": "20260610101500",
}  # fmt: skip
STEP_2026 = {
    "IDHoSo": 71, "MaHoSo": CODE, "ThoiDiemXuLy": "2026-06-09T10:15:00.1234567", "TrangThai": 4,
    "PhongBanXuLy": "Một cửa", "NgayKetThucTheoQuyDinh": "2026-06-10T10:15:00+0700",
}  # fmt: skip


@pytest.mark.parametrize("verb", ["CreateDossier", "NoiHoSo"])
def test_a_dossier_says_the_same_facts_in_both_shapes(verb: str) -> None:
    old = facts(message("DongBoHoSoMC", OF_2020, madonvi="G09.20"))
    new = facts(message(verb, OF_2026))
    assert [fact["slot"] for fact in new] == ["about", "filed", "accepted", "standing", "supplement.1", "due", "due"]
    assert new == old


def test_a_step_says_the_same_fact_in_both_shapes() -> None:
    assert facts(message("CapNhatTienTrinh", STEP_2026)) == facts(message("CapNhatTienDoHoSoMC", STEP_2020))


def test_a_single_dossier_need_not_be_in_a_list() -> None:
    assert facts(orjson.dumps({"service": "NoiHoSo", "data": OF_2026})) == facts(message("NoiHoSo", OF_2026))


def test_a_status_is_as_new_as_its_receipt_and_heard_again_the_same_fact() -> None:
    body = message("CapNhatTrangThai", {"IdHoSo": 71, "MaHoSo": CODE, "TrangThai": 9})
    [first], [again] = facts(body), facts(body, heard="2026-06-12T09:00:00+07:00")
    assert (first["slot"], first["as_of"], first["at"]) == ("standing", HEARD, HEARD)
    assert first["value"] == {"status": 9, "ended": None, "refused": None}
    memory = Memory(CODE)
    assert (memory.hear(first), memory.hear(again)) == ([first], [])


def test_a_status_that_says_when_it_was_sent_may_come_back() -> None:
    def sent(status: int, at: str) -> Fact:
        [fact] = facts(message("CapNhatTrangThai", {"MaHoSo": CODE, "TrangThai": status}, sent_at=at))
        return fact

    memory = Memory(CODE)
    said = [sent(4, "2026-06-09T07:00:00+07:00"), sent(5, "2026-06-09T07:30:00+07:00")]
    said.append(sent(4, "2026-06-09T08:00:00+07:00"))
    assert [memory.hear(fact) for fact in said] == [[fact] for fact in said]


OTHERS = ["20260609083000", "2026-06-09", "2026-06-09T25:00:00", "2026-02-30T08:00:00", "0001-01-01T00:00:00"]


@pytest.mark.parametrize("raw", [*OTHERS, 20260609, "٢026-06-09T08:00:00"])
@pytest.mark.parametrize(("verb", "field"), [("NoiHoSo", "NgayHenTra"), ("CapNhatTienTrinh", "ThoiDiemXuLy")])
def test_a_date_of_another_shape_is_refused_by_its_field_and_never_shown(verb: str, field: str, raw: object) -> None:
    told = wrong(verb, **{"TrangThai": 4, field: raw})
    assert told.startswith(f"invalid_object data[0]: {field}: ")
    assert str(raw) not in told.replace("2026-06-09T08:30:00+07:00", "")


@pytest.mark.parametrize("fields", [{}, {"TrangThai": ""}, {"TrangThai": None}, {"TrangThai": "Đang xử lý"}])
def test_a_status_without_its_number_is_refused(fields: dict[str, Any]) -> None:
    assert wrong("CapNhatTrangThai", **fields).startswith("invalid_object data[0]: TrangThai: ")


def test_a_verb_that_is_none_of_the_known_is_refused_whole() -> None:
    [refused] = read(message("XoaHoSo", OF_2026), SHAPES).refused
    assert (refused.reason, "CapNhatTrangThai" in refused.detail) == ("unknown_service", True)


ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**53), 2**53) | some.floats() | some.text(max_size=9),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
LIKELY = some.sampled_from(
    [CODE, "2026-06-09T08:30:00", "2026-06-09T08:30:00+14:00", "9999-12-31T23:59:59Z", 4, "9", ""]
)
ELEMENTS = some.dictionaries(some.sampled_from([*OF_2026, *STEP_2026, "IdHoSo"]), LIKELY | ANYTHING) | ANYTHING


@given(verb=some.sampled_from(sorted(SHAPES)), elements=some.lists(ELEMENTS, max_size=5))
def test_whatever_an_element_is_it_is_taken_or_refused_and_its_neighbours_do_not_matter(
    verb: str, elements: list[Any]
) -> None:
    taken = read(message(verb, *elements), SHAPES)
    assert len(taken.objects) + len(taken.refused) == len(elements)
    receipt = Receipt.of(datetime.fromisoformat(HEARD))
    for of in taken.objects:
        facts_of(of, message=taken, source="portal", mirror=False, receipt=receipt)
