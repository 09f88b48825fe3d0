"""The simulated dossiers in the words of the national portal: DongBoHoSoMC and CapNhatTienDoHoSoMC objects.

Dates are yyyyMMddHHmmss strings of the province's time, numbers are strings, what is absent is an empty string.
"""

from datetime import datetime

from dondoc.simulate.life import Dossier, Happening, State, Supplement

Message = dict[str, object]
Thing = dict[str, object]


def compact(at: datetime | None) -> str:
    return at.strftime("%Y%m%d%H%M%S") if at else ""


def snapshot(dossier: Dossier, state: State) -> Thing:
    """Return the whole dossier as a DongBoHoSoMC object."""
    procedure, field = dossier.procedure, dossier.procedure.field
    return {
        "MaHoSo": dossier.id,
        "MaTTHC": procedure.code,
        "TenTTHC": procedure.name,
        "MaLinhVuc": field.code,
        "TenLinhVuc": field.name,
        "SoBienNhan": "",
        **_applicant(dossier),
        "TrichYeuHoSo": procedure.name,
        "NgayNopHoSo": compact(dossier.arrives_at if dossier.online else None),
        "NgayTiepNhan": compact(state.accepted_at),
        "NgayHenTra": compact(state.due_at),
        "TrangThaiHoSo": str(state.status),
        "NgayTra": compact(state.returned_at),
        "ThongTinTra": "",
        "HinhThuc": "1" if dossier.applicant % 7 == 0 else "0",
        "NgayKetThucXuLy": compact(state.ended_at),
        "NgayTuChoi": compact(state.refused_at),
        "DonViXuLy": state.holder or dossier.handled_by,
        "GhiChu": "",
        "KenhThucHien": "2" if dossier.online else "1",
        "NoiNopHoSo": "1" if dossier.online else "",
        "HoSoCoThanhPhanSoHoa": str(int(dossier.digitised)),
        "TaiKhoanDuocXacThucVoiVNeID": str(int(dossier.online)),
        "DuocThanhToanTrucTuyen": "1" if dossier.online and dossier.applicant % 3 else "0",
        "TaiLieuNop": [_paper()] if dossier.digitised else [],
        "DanhSachLePhi": [],
        "DanhSachTepDinhKemKhac": [],
        "DanhSachHoSoBoSung": [_supplement(one, number) for number, one in enumerate(state.supplements, 1)],
        "DanhSachGiayToKetQua": [],
    }


def _applicant(dossier: Dossier) -> Thing:
    """Return somebody who plainly does not exist."""
    who = "Doanh nghiệp" if dossier.business else "Công dân"
    return {
        "ChuHoSo": f"{who} {dossier.applicant:04}",
        "LoaiDoiTuong": "2" if dossier.business else "1",
        "MaDoiTuong": "",
        "ThongTinKhac": "",
        "Email": f"nguoinop{dossier.applicant:04}@example.vn" if dossier.online else "",
        "Fax": "",
        "SoDienThoai": f"0900000{dossier.applicant % 1000:03}",
    }


def _paper() -> Thing:
    return {
        "TepDinhKemId": "",
        "TenTepDinhKem": "to-khai.pdf",
        "IsDeleted": "False",
        "MaThanhPhanHoSo": "",
        "DuongDanTaiTepTin": "",
        "DuocSoHoa": "1",
        "DuocTaiSuDung": "0",
        "DuocLayTuKhoDMQG": "0",
    }


def _supplement(supplement: Supplement, number: int) -> Thing:
    return {
        "HoSoBoSungId": str(number),
        "NguoiYeuCauBoSung": "Công chức thẩm định",
        "NoiDungBoSung": "Bổ sung giấy tờ còn thiếu theo phiếu yêu cầu",
        "NgayBoSung": compact(supplement.asked_at),
        "NguoiTiepNhanBoSung": "Công chức một cửa" if supplement.received_at else "",
        "ThongTinTiepNhan": "",
        "NgayTiepNhanBoSung": compact(supplement.received_at),
        "TrangThaiBoSung": "1" if supplement.received_at else "0",
        "DanhSachGiayToBoSung": [],
        "DanhSachLePhiBoSung": [],
        "NgayHenTraTruoc": compact(supplement.due_before),
        "NgayHenTraMoi": compact(supplement.due_after),
    }


def progress(dossier: Dossier, happening: Happening) -> Thing:
    """Return what was done as a CapNhatTienDoHoSoMC object."""
    return {
        "MaHoSo": dossier.id,
        "NguoiXuLy": f"Công chức {dossier.unit.number:02}-{dossier.applicant % 9 + 1}",
        "ChucDanh": "",
        "ThoiDiemXuLy": compact(happening.at),
        "PhongBanXuLy": happening.room,
        "NoiDungXuLy": happening.work,
        "TrangThai": str(happening.state.status),
        "NgayBatDau": compact(happening.at if happening.term else None),
        "NgayKetThucTheoQuyDinh": compact(happening.term),
    }
