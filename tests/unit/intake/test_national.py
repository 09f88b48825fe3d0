"""The portal's messages as they come: what is taken, what is refused, and that neighbours of the bad are kept."""

from __future__ import annotations

import unicodedata
from typing import Any

import orjson
import pytest

from services.intake.national import SNAPSHOT, STEP, Snapshot, Step, read


def body(*objects: Any, service: str = SNAPSHOT, **more: Any) -> bytes:
    return orjson.dumps({"session": "", "madonvi": "000.00.12.H56", "service": service, **more, "data": list(objects)})


def snapshot(**fields: Any) -> dict[str, Any]:
    return {"MaHoSo": "X-1", "NgayTiepNhan": "20261102091000", **fields}


def reasons(raw: bytes) -> list[str]:
    return [refused.reason for refused in read(raw).refused]


def test_dates_are_vietnamese_time_and_empty_fields_are_nothing() -> None:
    [of] = read(body(snapshot(NgayHenTra="", TrangThaiHoSo="", NgayKetThucXuLy=None))).objects
    assert isinstance(of, Snapshot)
    assert (of.accepted_at, of.due_at, of.status, of.ended_at) == ("2026-11-02T09:10:00+07:00", None, None, None)


@pytest.mark.parametrize("absent", [None, "", []])
def test_a_list_that_is_absent_is_empty_however_a_source_writes_that(absent: object) -> None:
    [of] = read(body(snapshot(DanhSachHoSoBoSung=absent))).objects
    assert isinstance(of, Snapshot)
    assert of.supplements == ()


def test_the_good_ones_beside_a_bad_one_are_taken() -> None:
    message = read(body(snapshot(), snapshot(MaHoSo="  "), snapshot(MaHoSo="X-2")))
    assert ([of.code for of in message.objects], len(message.refused)) == (["X-1", "X-2"], 1)
    assert orjson.loads(message.refused[0].raw)["NgayTiepNhan"] == "20261102091000"


def test_a_bad_one_that_is_nested_too_deeply_to_be_written_again_costs_no_neighbour() -> None:
    nested = b"[" * 500 + b"]" * 500
    raw = body(snapshot(), "HERE").replace(b'"HERE"', b'{"DonViXuLy": %b}' % nested)
    message = read(raw)
    assert ([of.code for of in message.objects], [refused.raw for refused in message.refused]) == (["X-1"], [raw])


@pytest.mark.parametrize(
    "fields",
    [
        {"NgayHenTra": "20261302091000"},
        {"NgayHenTra": "20260230091000"},
        {"NgayHenTra": "2026-11-02"},
        {"NgayHenTra": "30001102091000"},
        {"DonViXuLy": "UBND\u0007xã"},
        {"MaTruongHop": "01\u0007"},
        {"TrangThaiHoSo": "đang xử lý"},
        {"MaHoSo": ""},
        {"MaHoSo": "X" * 101},
        {"MaHoSo": "ﬃ" * 99},  # three letters each in upper case, which is how a dossier is known
    ],
)
def test_impossible_dates_control_characters_and_missing_identifiers_are_refused(fields: dict[str, str]) -> None:
    assert reasons(body(snapshot(**fields))) == ["invalid_object"]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xff{", "unreadable"),
        (b'{"service": "DongBoHoSoMC", "data": [{"MaHoSo": "\xc3\x28"}]}', "unreadable"),
        (b'{"a": "raw\x01control"}', "unreadable"),
        (b"[]", "not_a_message"),
        (b'{"service": "DongBoHoSoMC"}', "not_a_message"),
        (body(service="TraCuuHoSo"), "unknown_service"),
        (body(sent_at="2026-11-02T09:00:00"), "not_a_message"),
        (body(sent_at="yesterday"), "not_a_message"),
        (body(sent_at="0001-01-01T00:00:00+14:00"), "not_a_message"),
    ],
)
def test_a_message_that_cannot_be_read_is_one_refusal_with_its_bytes(raw: bytes, reason: str) -> None:
    [refused] = read(raw).refused
    assert (refused.reason, refused.raw) == (reason, raw)


@pytest.mark.parametrize(
    ("raw", "field"),
    [(body(snapshot(NgayHenTra="0900000123")), "NgayHenTra"), (body(sent_at="0900000123 x"), "sent_at")],
)
def test_a_refusal_names_the_field_and_never_its_value(raw: bytes, field: str) -> None:
    [refused] = read(raw).refused
    assert field in refused.detail
    assert "0900000123" not in refused.detail


def test_text_is_normalised_and_otherwise_kept() -> None:
    [of] = read(body(snapshot(TenLinhVuc=unicodedata.normalize("NFD", " Đất đai ở Hàm Rồng ")))).objects
    assert isinstance(of, Snapshot)
    assert of.field_name == unicodedata.normalize("NFC", "Đất đai ở Hàm Rồng")


def test_an_unknown_status_is_kept() -> None:
    [of] = read(body({"MaHoSo": "X-1", "ThoiDiemXuLy": "20261102091000", "TrangThai": "42"}, service=STEP)).objects
    assert isinstance(of, Step)
    assert of.status == 42


def test_a_step_without_its_time_is_refused() -> None:
    assert reasons(body({"MaHoSo": "X-1", "ThoiDiemXuLy": "", "TrangThai": "4"}, service=STEP)) == ["invalid_object"]


def test_an_envelope_may_say_when_it_was_sent() -> None:
    assert read(body(snapshot(), sent_at="2026-11-02T03:00:00Z")).sent_at == "2026-11-02T10:00:00+07:00"


@pytest.mark.parametrize(
    ("raw", "channel"),
    [
        ("1", "counter"), ("2", "online"), ("3", "post"), (2, "online"), (" 3 ", "post"),
        ("", None), (None, None), ("4", None), ("trực tuyến", None), (True, None), (2.0, None),
        ([["2"]], None), ("2\u0007", None),
    ],
)  # fmt: skip
def test_a_channel_is_one_of_three_and_anything_else_says_nothing(raw: object, channel: str | None) -> None:
    [of] = read(body(snapshot(KenhThucHien=raw))).objects
    assert isinstance(of, Snapshot)
    assert of.channel == channel


@pytest.mark.parametrize(("raw", "days"), [("10", 10), (10, 10), ("", None), (None, None), ("1", 1), ("3650", 3650)])
def test_a_supplement_may_say_how_many_days_the_citizen_has(raw: object, days: int | None) -> None:
    [of] = read(body(snapshot(DanhSachHoSoBoSung=[{"ThoiHanBoSung": raw}]))).objects
    assert isinstance(of, Snapshot)
    assert of.supplements[0].term_days == days


@pytest.mark.parametrize("raw", ["0", 0, "3651", "-1", "mười", "7.0", 7.5, True, "00007", "٧"])
def test_a_term_that_is_no_number_of_days_is_refused_by_its_field(raw: object) -> None:
    [refused] = read(body(snapshot(DanhSachHoSoBoSung=[{"ThoiHanBoSung": raw}]))).refused
    assert refused.detail.startswith("data[0]: DanhSachHoSoBoSung.0.ThoiHanBoSung: ")


def test_what_is_at_fault_is_told_in_plain_words() -> None:
    thing = {"MaHoSo": "", "NgayTiepNhan": "20261131256000"}
    [refused] = read(orjson.dumps({"service": "DongBoHoSoMC", "madonvi": "H56", "data": [thing]})).refused
    assert refused.detail == "data[0]: MaHoSo: must not be empty; NgayTiepNhan: day is out of range for month"
