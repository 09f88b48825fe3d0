"""Any permutation with any duplicates of what is said of a dossier makes the same obligation.

Histories are generated on few instants, so that ties are many; the way is the real one: the portal's JSON, intake's
facts and memory, deadline's fold. The yardstick is a fold over every assertion, with no memory that keeps any back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.deadline import saying
from tests.unit.deadline.saying import MIRROR, Message

START = datetime.fromisoformat("2026-11-02T09:00:00+07:00")
TIMES = [START + timedelta(hours=12 * number) for number in range(12)]
STATUSES = ["", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "42"]

sources = st.sampled_from(["motcua-1", "motcua-1", "motcua-2", MIRROR])
times = st.sampled_from(TIMES)
dates = times.map(lambda at: at.strftime("%Y%m%d%H%M%S"))
maybe = st.one_of(st.just(""), dates)
due = st.sampled_from(["", "20261105090000", "20261106170000", "20261110090000"])
supplements = st.lists(
    st.fixed_dictionaries(
        {"NgayBoSung": dates, "NgayTiepNhanBoSung": maybe, "NgayHenTraTruoc": due, "NgayHenTraMoi": due}
    ),
    max_size=2,
)
receipts = st.tuples(times, st.integers(0, 9)).map(lambda at: (at[0] + timedelta(minutes=at[1])).isoformat())

snapshots = st.builds(
    Message,
    service=st.just("DongBoHoSoMC"),
    fields=st.fixed_dictionaries(
        {
            "MaHoSo": st.sampled_from([saying.CODE, saying.CODE.lower()]),
            "NgayTiepNhan": st.sampled_from(["", "20261102090000", "20261102090000", "20261103090000"]),
            "NgayHenTra": due,
            "TrangThaiHoSo": st.sampled_from(STATUSES),
        },
        optional={
            "MaTTHC": st.sampled_from(["1.004746", "1.004746.H56", ""]),
            "TenLinhVuc": st.sampled_from(["Hộ tịch", "Đất đai", ""]),
            "DonViXuLy": st.sampled_from(["UBND xã Mường Lát", "H56.13", ""]),
            "NgayNopHoSo": maybe,
            "NgayKetThucXuLy": maybe,
            "NgayTuChoi": maybe,
            "NgayTra": maybe,
            "DanhSachHoSoBoSung": supplements,
        },
    ),
    at=receipts,
    source=sources,
    sent_at=st.one_of(st.none(), st.none(), times.map(datetime.isoformat)),
)
steps = st.builds(
    Message,
    service=st.just("CapNhatTienDoHoSoMC"),
    fields=st.fixed_dictionaries(
        {"ThoiDiemXuLy": dates, "TrangThai": st.sampled_from(STATUSES[1:])},
        optional={"NgayKetThucTheoQuyDinh": due, "PhongBanXuLy": st.sampled_from(["", "Chi nhánh VPĐKĐĐ", "Phòng A"])},
    ),
    at=receipts,
    source=sources,
)
histories = st.lists(st.one_of(snapshots, steps), min_size=1, max_size=8)


@given(history=histories, data=st.data())
@settings(max_examples=200)
def test_any_order_with_any_duplicates_makes_the_same_obligation(history: list[Message], data: st.DataObject) -> None:
    later = data.draw(st.lists(st.tuples(st.sampled_from(history), st.integers(0, 9000)), max_size=6))
    repeats = [replace(one, at=(datetime.fromisoformat(one.at) + timedelta(minutes=m)).isoformat()) for one, m in later]
    deliveries = data.draw(st.permutations([*history, *repeats]))
    said = saying.shuffled(saying.through_memory(deliveries), seed=data.draw(st.integers(0, 99)))
    for until in (None, data.draw(times).isoformat()):
        assert saying.obligations(said, until=until) == saying.obligations(saying.everything(history), until=until)
