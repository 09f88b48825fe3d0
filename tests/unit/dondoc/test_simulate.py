"""The simulated feed is what a province's systems would send, and nobody in it exists."""

import csv
import gzip
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from dondoc.simulate.cli import register
from dondoc.simulate.feed import simulate
from dondoc.simulate.life import announced_due
from dondoc.simulate.procedures import BIRTH, BUILDING, DESKS, MARITAL_STATUS
from dondoc.simulate.province import UNITS, demo_directory
from shared.worktime import next_opening, vietnam

VIETNAM = vietnam()
START = date(2026, 11, 2)
RUNNING, ENDS = {"2", "4", "5", "6"}, {"3", "7", "8", "9", "10"}
MOMENTS = {
    "NgayNopHoSo", "NgayTiepNhan", "NgayHenTra", "NgayTra", "NgayKetThucXuLy", "NgayTuChoi", "ThoiDiemXuLy",
    "NgayBatDau", "NgayKetThucTheoQuyDinh", "NgayBoSung", "NgayTiepNhanBoSung", "NgayHenTraTruoc", "NgayHenTraMoi",
}  # fmt: skip
LISTS = {
    "TaiLieuNop", "DanhSachLePhi", "DanhSachTepDinhKemKhac", "DanhSachHoSoBoSung", "DanhSachGiayToKetQua",
    "DanhSachGiayToBoSung", "DanhSachLePhiBoSung",
}  # fmt: skip
SNAPSHOT_FIELDS = """
    MaHoSo MaTTHC TenTTHC MaLinhVuc TenLinhVuc SoBienNhan ChuHoSo LoaiDoiTuong MaDoiTuong ThongTinKhac Email Fax
    SoDienThoai TrichYeuHoSo NgayTiepNhan NgayHenTra TrangThaiHoSo NgayTra ThongTinTra HinhThuc NgayKetThucXuLy
    DonViXuLy GhiChu TaiLieuNop DanhSachLePhi DanhSachTepDinhKemKhac DanhSachHoSoBoSung DanhSachGiayToKetQua
    KenhThucHien NoiNopHoSo HoSoCoThanhPhanSoHoa TaiKhoanDuocXacThucVoiVNeID DuocThanhToanTrucTuyen NgayNopHoSo
    NgayTuChoi
"""
STEP_FIELDS = """
    MaHoSo NguoiXuLy ChucDanh ThoiDiemXuLy PhongBanXuLy NoiDungXuLy TrangThai NgayBatDau NgayKetThucTheoQuyDinh
"""
COLUMNS = "code,name,kind,parent_code,head_title,head_name,email,phone,aliases"


def feed(**changed: Any) -> list[dict[str, Any]]:
    asked: dict[str, Any] = {"units": 3, "days": 5, "seed": 7, "start": START, "per_day": 6, "broken": 0}
    return list(simulate(**{**asked, **changed}))


@pytest.fixture(scope="module")
def fortnight() -> list[dict[str, Any]]:
    return feed(units=12, days=14, per_day=18)


def said(messages: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object with the time it was sent."""
    return ((message["sent_at"], thing) for message in messages for thing in message["data"])


def snapshots(messages: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (thing for _, thing in said(messages) if "TrangThaiHoSo" in thing)


def last_snapshots(messages: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {thing["MaHoSo"]: thing for thing in snapshots(messages)}


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=VIETNAM.zone)


def late_share(dossiers: list[dict[str, Any]], *, now: str) -> float:
    late = [d for d in dossiers if d["NgayHenTra"] and d["NgayHenTra"] < (d["NgayKetThucXuLy"] or now)]
    return len(late) / len(dossiers)


# --- shape ------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_feed_and_another_seed_another() -> None:
    assert feed() == feed() != feed(seed=8)


def test_messages_come_in_the_order_of_sent_at_within_the_days_asked_for(fortnight: list[dict[str, Any]]) -> None:
    times = [message["sent_at"] for message in fortnight]
    assert times == sorted(times)
    assert times[0] >= "2026-11-02T07:00:00+07:00"
    assert times[-1] < "2026-11-16T00:00:00+07:00"


def test_an_envelope_is_as_the_portal_takes_it(fortnight: list[dict[str, Any]]) -> None:
    for message in fortnight:
        assert re.fullmatch(r"000\.00\.\d\d\.H56", message["madonvi"])
        assert 1 <= len(message["data"]) <= 20
        kinds: dict[str, set[str | None]] = {
            "DongBoHoSoMC": {"True", "False"},
            "CapNhatTienDoHoSoMC": {None},
        }
        assert message.get("isUpdating") in kinds[message["service"]]
    assert max(len(message["data"]) for message in fortnight) == 20


def test_objects_have_the_portals_fields_as_strings(fortnight: list[dict[str, Any]]) -> None:
    for _, thing in said(fortnight):
        assert set(thing) == set((SNAPSHOT_FIELDS if "TrangThaiHoSo" in thing else STEP_FIELDS).split())
        assert re.fullmatch(r"000\.00\.\d\d\.H56-\d{6}-\d{4}", thing["MaHoSo"])
        supplements = thing.get("DanhSachHoSoBoSung", [])
        for field, value in (pair for said_of in (thing, *supplements) for pair in said_of.items()):
            assert isinstance(value, list if field in LISTS else str), field
            if field in MOMENTS and value:
                moment(str(value))
    assert all(s["NgayTiepNhan"] and s["NgayHenTra"] for s in snapshots(fortnight) if s["TrangThaiHoSo"] not in "13")


def test_nobody_in_the_feed_looks_real(fortnight: list[dict[str, Any]]) -> None:
    for thing in snapshots(fortnight):
        assert re.fullmatch(r"(Công dân|Doanh nghiệp) \d{4}", thing["ChuHoSo"])
        assert re.fullmatch(r"0900000\d{3}", thing["SoDienThoai"])
        assert thing["Email"] == "" or thing["Email"].endswith("@example.vn")


# --- life -------------------------------------------------------------------------------------------------


def test_a_due_date_keeps_the_clock_time_and_passes_over_the_holiday() -> None:
    friday = datetime(2026, 11, 20, 9, 10, tzinfo=VIETNAM.zone)
    due = announced_due(MARITAL_STATUS, accepted_at=friday, calendar=VIETNAM)
    assert due.isoformat() == "2026-11-26T09:10:00+07:00"


def test_a_matter_due_within_the_day_may_wait_for_the_next_one_after_15_00() -> None:
    before = datetime(2026, 11, 23, 14, 59, tzinfo=VIETNAM.zone)
    after = datetime(2026, 11, 23, 15, 0, tzinfo=VIETNAM.zone)
    assert announced_due(BIRTH, accepted_at=before, calendar=VIETNAM).isoformat() == "2026-11-23T17:00:00+07:00"
    assert announced_due(BIRTH, accepted_at=after, calendar=VIETNAM).isoformat() == "2026-11-25T17:00:00+07:00"


def test_calendar_days_that_end_on_a_day_off_roll_forward() -> None:
    accepted = datetime(2026, 11, 2, 8, 0, tzinfo=VIETNAM.zone)  # 20 days later is a Sunday
    due = announced_due(BUILDING, accepted_at=accepted, calendar=VIETNAM)
    assert due.isoformat() == "2026-11-23T08:00:00+07:00"


def test_dossiers_are_accepted_and_ended_in_office_hours(fortnight: list[dict[str, Any]]) -> None:
    for thing in snapshots(fortnight):
        accepted_at, ended_at = thing["NgayTiepNhan"], thing["NgayKetThucXuLy"]
        if accepted_at:
            assert next_opening(VIETNAM, at=moment(accepted_at)) == moment(accepted_at)
        if ended_at:
            assert moment(ended_at).strftime("%H%M%S") <= "170000"
            assert ended_at > accepted_at


def test_every_status_is_met(fortnight: list[dict[str, Any]]) -> None:
    met = Counter(thing.get("TrangThaiHoSo") or thing["TrangThai"] for _, thing in said(fortnight))
    assert set(met) == {str(status) for status in range(1, 11)}


def test_nothing_sent_after_an_end_would_reopen_the_dossier(fortnight: list[dict[str, Any]]) -> None:
    ended: dict[str, str] = {}
    for sent_at, thing in said(fortnight):
        status = thing.get("TrangThaiHoSo") or thing["TrangThai"]
        if status in ENDS:
            ended.setdefault(thing["MaHoSo"], sent_at)
        assert not (status in RUNNING and sent_at >= ended.get(thing["MaHoSo"], "9"))


def test_a_supplement_received_moves_the_due_date(fortnight: list[dict[str, Any]]) -> None:
    answered = [
        (thing, one)
        for thing in last_snapshots(fortnight).values()
        for one in thing["DanhSachHoSoBoSung"]
        if one["NgayTiepNhanBoSung"]
    ]
    assert len(answered) > 20
    for thing, one in answered:
        assert one["NgayBoSung"] < one["NgayTiepNhanBoSung"]
        assert one["NgayHenTraTruoc"] < one["NgayHenTraMoi"] <= thing["NgayHenTra"]


def test_land_and_civil_status_are_the_latest_fields_and_bad_units_stand_out(
    fortnight: list[dict[str, Any]],
) -> None:
    by_field, by_unit = defaultdict(list), defaultdict(list)
    for dossier in last_snapshots(fortnight).values():
        by_field[dossier["TenLinhVuc"]].append(dossier)
        by_unit[dossier["MaHoSo"][7:9]].append(dossier)
    now = "20261116000000"
    fields = {field: late_share(dossiers, now=now) for field, dossiers in by_field.items()}
    assert set(sorted(fields, key=lambda field: fields[field])[-2:]) == {"Đất đai", "Hộ tịch"}
    units = {unit: late_share(dossiers, now=now) for unit, dossiers in by_unit.items()}
    assert min(units["02"], units["04"], units["11"]) > 1.5 * units["06"]


def test_the_first_morning_brings_a_backlog_part_of_it_overdue(fortnight: list[dict[str, Any]]) -> None:
    backlog = [
        thing
        for sent_at, thing in said(fortnight)
        if "NgayTiepNhan" in thing and thing["NgayTiepNhan"] < "20261102" and sent_at < "2026-11-02T07:20"
    ]
    overdue = [thing for thing in backlog if thing["NgayHenTra"] < "20261102070000"]
    assert len(backlog) > 500
    assert 0.02 < len([thing for thing in overdue if thing["NgayHenTra"]]) / len(backlog) < 0.25


def test_a_unit_sends_the_same_whatever_other_units_there_are() -> None:
    def of_first(messages: list[dict[str, Any]]) -> list[str]:
        mine = [m for m in messages if m["madonvi"] == UNITS[0].agency]
        return sorted({json.dumps(m, sort_keys=True) for m in mine})

    assert of_first(feed(units=1)) == of_first(feed(units=3))


# --- noise ------------------------------------------------------------------------------------------------


def test_some_messages_are_sent_twice_without_a_difference(fortnight: list[dict[str, Any]]) -> None:
    twice = [message for message, following in pairwise(fortnight) if message == following]
    assert 0.003 < len(twice) / len(fortnight) < 0.03


def test_broken_objects_are_few_and_come_on_top_of_a_whole_feed() -> None:
    def whole(thing: dict[str, Any]) -> bool:
        return bool(thing["MaHoSo"]) and "1131256000" not in (
            thing.get("NgayTiepNhan") or thing.get("ThoiDiemXuLy") or ""
        )

    clean, noisy = feed(), feed(broken=10)
    things = [thing for _, thing in said(noisy)]
    assert [thing for thing in things if whole(thing)] == [thing for _, thing in said(clean)]
    spoilt = [thing for thing in things if not whole(thing)]
    assert {bool(thing["MaHoSo"]) for thing in spoilt} == {True, False}
    by_default = list(simulate(units=3, days=5, seed=7, start=START, per_day=6))
    assert sum(not whole(thing) for _, thing in said(by_default)) < 0.005 * len(by_default)


# --- directory and command line ---------------------------------------------------------------------------


def test_the_directory_knows_every_name_that_the_feed_uses(fortnight: list[dict[str, Any]]) -> None:
    rows = list(csv.DictReader(io.StringIO(demo_directory(12))))
    assert ",".join(rows[0]) == COLUMNS
    known = {word for row in rows for word in (row["code"], row["name"], *row["aliases"].split("|"))}
    assert {message["madonvi"] for message in fortnight} <= known
    assert {thing["DonViXuLy"] for thing in snapshots(fortnight)} <= known
    assert {unit.agency_short for unit in UNITS[:12]} <= known


@pytest.mark.parametrize("units", [1, 20, len(UNITS)])
def test_the_directory_hangs_together_and_its_contacts_are_fictitious(units: int) -> None:
    rows = list(csv.DictReader(io.StringIO(demo_directory(units))))
    codes = {row["code"] for row in rows}
    assert {row["parent_code"] for row in rows} <= codes | {""}
    assert [row["code"] for row in rows if not row["parent_code"]] == ["H56"]
    assert {row["parent_code"] for row in rows if row["kind"] in ("xa", "phuong")} == {"H56"}
    for row in rows:
        assert re.fullmatch(r"dv\d\d@example\.vn", row["email"])
        assert re.fullmatch(r"0900 000 0\d\d", row["phone"])
    words = [word for row in rows for word in {row["name"], *row["aliases"].split("|")} - {""}]
    assert len(words) == len(set(words))


def test_every_desk_has_procedures() -> None:
    assert {unit.desk for unit in UNITS} == set(DESKS)


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return app


def test_the_command_writes_the_feed_and_its_directory(app: typer.Typer, tmp_path: Path) -> None:
    output, directory = tmp_path / "feed.ndjson", tmp_path / "directory.csv"
    asked = f"simulate --units 2 --days 2 --seed 3 --per-day 5 --output {output} --directory {directory}"
    result = CliRunner().invoke(app, asked.split())
    assert (result.exit_code, result.stdout) == (0, "")
    lines = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert lines == list(simulate(units=2, days=2, seed=3, start=START, per_day=5))
    assert directory.read_text(encoding="utf-8") == demo_directory(2)


def test_a_feed_that_ends_in_gz_is_packed_and_the_same_each_time(app: typer.Typer, tmp_path: Path) -> None:
    output = tmp_path / "feed.ndjson.gz"
    written = []
    for _ in range(2):
        asked = f"simulate --units 1 --days 2 --per-day 5 --output {output}"
        assert CliRunner().invoke(app, asked.split()).exit_code == 0
        written.append(output.read_bytes())
    assert written[0] == written[1]
    assert [json.loads(line) for line in gzip.decompress(written[0]).splitlines()] == list(
        simulate(units=1, days=2, seed=7, start=START, per_day=5)
    )


def test_the_command_writes_to_the_standard_output(app: typer.Typer) -> None:
    asked = "simulate --units 1 --days 1 --per-day 3 --start 2026-11-03 --format national"
    result = CliRunner().invoke(app, asked.split())
    assert result.exit_code == 0
    assert all("data" in json.loads(line) for line in result.stdout.splitlines())


@pytest.mark.parametrize(
    "wrong",
    [
        "--output /nowhere/feed",
        "--directory /nowhere/units",
        "--units 0",
        "--units 99",
        "--start 1999-01-04",
        "--start tomorrow",
        "--format x",
    ],
)
def test_a_wrong_call_ends_with_2(app: typer.Typer, wrong: str) -> None:
    assert CliRunner().invoke(app, ["simulate", *wrong.split()]).exit_code == 2


def test_the_help_has_an_example(app: typer.Typer) -> None:
    assert "dondoc simulate --units 20" in CliRunner().invoke(app, ["simulate", "--help"]).stdout
