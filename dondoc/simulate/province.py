"""The simulated province: which units send, what they are called, and who heads them.

Names, codes and titles of the units are public (GSO codes of the communes, our own `TH-…` codes of the offices).
Everything else is invented for the simulation: the agency ids H56.NN and their long form 000.00.NN.H56 (no public
list of them was found), how busy a unit is, how late it is, and every contact. A factor says nothing about the real
unit of that name: it goes by the place in the list.
"""

import csv
import io
from dataclasses import dataclass

PROVINCE = "H56"
PROVINCE_NAME = "Ủy ban nhân dân tỉnh Thanh Hóa"
HOME_AFFAIRS = ("TH-SNV", "Sở Nội vụ", "Giám đốc Sở")  # sends nothing here, but ladders lead to it
DIRECTORY_COLUMNS = (
    "code", "name", "kind", "parent_code", "head_title", "head_name", "email", "phone", "aliases",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """One sending unit.

    number: its place in the list, from 1; also NN of the invented agency id.
    desk: what is asked for there, a key of `procedures.DESKS`.
    volume, lateness: factors on the province's averages.
    """

    number: int
    code: str
    name: str
    kind: str
    desk: str
    volume: float = 1.0
    lateness: float = 0.8

    @property
    def agency(self) -> str:
        above, own = divmod(self.number - 1, 99)  # two digits a group
        return f"000.{above:02}.{own + 1:02}.H56"

    @property
    def agency_short(self) -> str:
        above, own = divmod(self.number - 1, 99)
        return f"H56.{own + 1:02}" + (f".{above:02}" if above else "")

    @property
    def written(self) -> tuple[str, ...]:
        """Return the unit's name as its source writes it in DonViXuLy, the usual way first."""
        if self.desk != "commune":
            return (self.name, f"{self.name.removesuffix(' Thanh Hóa')} tỉnh Thanh Hóa")
        place = self.name[0].lower() + self.name[1:]
        return (f"UBND {place}", f"Ủy ban nhân dân {place}")

    @property
    def head_title(self) -> str:
        return HEAD_TITLES[self.kind]


HEAD_TITLES = {
    "phuong": "Chủ tịch Ủy ban nhân dân phường",
    "xa": "Chủ tịch Ủy ban nhân dân xã",
    "so": "Giám đốc Sở",
    "don_vi_su_nghiep": "Giám đốc",
}

_ROWS: tuple[tuple[str, str, str, str, float, float], ...] = (
    ("14797", "Phường Hạc Thành", "phuong", "commune", 1.6, 0.9),
    ("TH-VPDKDD", "Văn phòng Đăng ký đất đai Thanh Hóa", "don_vi_su_nghiep", "land_office", 1.5, 1.5),
    ("14758", "Phường Hàm Rồng", "phuong", "commune", 1.3, 0.7),
    ("16531", "Phường Sầm Sơn", "phuong", "commune", 1.2, 2.4),
    ("TH-SXD", "Sở Xây dựng", "so", "construction", 0.6, 1.0),
    ("15865", "Xã Hoằng Hóa", "xa", "commune", 1.1, 0.6),
    ("TH-STC", "Sở Tài chính", "so", "finance", 1.2, 0.6),
    ("14812", "Phường Bỉm Sơn", "phuong", "commune", 1.0, 0.8),
    ("15499", "Xã Thọ Xuân", "xa", "commune", 1.0, 0.5),
    ("TH-STP", "Sở Tư pháp", "so", "justice", 0.5, 0.8),
    ("16654", "Phường Nghi Sơn", "phuong", "commune", 1.1, 2.2),
    ("14845", "Xã Mường Lát", "xa", "commune", 0.5, 1.1),
    ("16561", "Phường Tĩnh Gia", "phuong", "commune", 1.1, 0.7),
    ("15061", "Xã Ngọc Lặc", "xa", "commune", 0.8, 0.9),
    ("TH-SNNMT", "Sở Nông nghiệp và Môi trường", "so", "environment", 0.5, 1.2),
    ("16093", "Xã Nga Sơn", "xa", "commune", 1.0, 0.6),
    ("16012", "Xã Hậu Lộc", "xa", "commune", 0.9, 0.7),
    ("15664", "Xã Triệu Sơn", "xa", "commune", 1.0, 2.0),
    ("15127", "Xã Cẩm Thủy", "xa", "commune", 0.8, 0.5),
    ("16279", "Xã Nông Cống", "xa", "commune", 0.9, 0.8),
    ("15271", "Xã Hà Trung", "xa", "commune", 0.9, 0.7),
    ("15349", "Xã Vĩnh Lộc", "xa", "commune", 0.8, 0.6),
    ("15469", "Xã Yên Định", "xa", "commune", 0.9, 0.9),
    ("15772", "Xã Thiệu Hóa", "xa", "commune", 0.9, 0.5),
    ("16378", "Phường Đông Sơn", "phuong", "commune", 1.1, 0.8),
    ("16438", "Xã Lưu Vệ", "xa", "commune", 1.0, 2.0),
    ("16174", "Xã Như Xuân", "xa", "commune", 0.6, 0.9),
    ("16228", "Xã Như Thanh", "xa", "commune", 0.7, 0.7),
    ("15646", "Xã Thường Xuân", "xa", "commune", 0.6, 0.8),
    ("15055", "Xã Linh Sơn", "xa", "commune", 0.5, 0.9),
    ("15016", "Xã Quan Sơn", "xa", "commune", 0.5, 0.6),
    ("14869", "Xã Hồi Xuân", "xa", "commune", 0.5, 0.7),
    ("14923", "Xã Bá Thước", "xa", "commune", 0.6, 1.0),
    ("15187", "Xã Kim Tân", "xa", "commune", 0.7, 0.6),
    ("14818", "Phường Quang Trung", "phuong", "commune", 1.0, 0.7),
    ("15853", "Phường Đông Tiến", "phuong", "commune", 0.9, 0.8),
    ("16417", "Phường Đông Quang", "phuong", "commune", 1.0, 1.8),
    ("16516", "Phường Nam Sầm Sơn", "phuong", "commune", 0.9, 0.6),
    ("16522", "Phường Quảng Phú", "phuong", "commune", 1.1, 0.7),
    ("16636", "Xã Trường Lâm", "xa", "commune", 0.7, 0.8),
)

UNITS = tuple(Unit(number, *row) for number, row in enumerate(_ROWS, start=1))


def demo_directory(units: int) -> str:
    """Return the first `units` units, Sở Nội vụ and the province as the CSV text of a directory file.

    units: 1..len(UNITS). Aliases are separated by `|`: both shapes of the agency id, and the names that the
    simulated feed writes in DonViXuLy. Contacts are plainly fictitious.
    """
    chosen = UNITS[:units]
    present = {unit.code for unit in chosen}
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(DIRECTORY_COLUMNS)
    rows.writerow(_row(PROVINCE, PROVINCE_NAME, "ubnd_tinh", "", "Chủ tịch Ủy ban nhân dân tỉnh", 0, ["000.00.00.H56"]))
    code, name, title = HOME_AFFAIRS
    rows.writerow(_row(code, name, "so", PROVINCE, title, len(UNITS) + 1, []))
    for unit in chosen:
        # The land registration office belongs to the department of environment, where that is listed at all.
        above = "TH-SNNMT" if unit.desk == "land_office" and "TH-SNNMT" in present else PROVINCE
        aliases = [unit.agency_short, unit.agency, *(name for name in unit.written if name != unit.name)]
        rows.writerow(_row(unit.code, unit.name, unit.kind, above, unit.head_title, unit.number, aliases))
    return out.getvalue()


def _row(code: str, name: str, kind: str, parent: str, title: str, number: int, aliases: list[str]) -> list[str]:
    head = f"Thủ trưởng đơn vị {number:02}"
    return [
        code, name, kind, parent, title, head,
        f"dv{number:02}@example.vn", f"0900 000 {number:03}", "|".join(aliases),
    ]  # fmt: skip
