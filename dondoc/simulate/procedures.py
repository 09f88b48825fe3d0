"""What citizens ask for in the simulated province: procedures with their limits, and how each field behaves.

Codes, names (shortened) and limits are those of the national portal as far as they are known; the codes of the fields
(MaLinhVuc) and all shares are invented for the simulation.
"""

from dataclasses import dataclass
from typing import Literal

LimitUnit = Literal["working_days", "calendar_days", "same_day"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of procedures. Shares are of accepted dossiers (refused, online: of filed ones), 0..1."""

    code: str
    name: str
    rooms: tuple[str, str]  # who examines: in a commune, in an office of the province
    late: float
    supplement: float
    online: float
    business: float = 0.0  # applicants that are businesses


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure with the limit its receipt slip is written by. `limit` is 0 for one due within the day."""

    code: str
    name: str
    field: Field
    limit: int
    unit: LimitUnit = "working_days"
    obligation: float = 0.0  # share that waits for taxes to be paid, code 6


_ECONOMY = "Phòng Kinh tế"
_OFFICE = "Văn phòng HĐND và UBND"

LAND = Field(
    "DD", "Đất đai", (_ECONOMY, "Phòng Đăng ký và cấp giấy chứng nhận"),
    late=0.2, supplement=0.11, online=0.2, business=0.06,
)  # fmt: skip
CIVIL_STATUS = Field("HT", "Hộ tịch", (_OFFICE, "Phòng Hành chính tư pháp"), late=0.11, supplement=0.03, online=0.55)
CERTIFICATION = Field(
    "CT", "Chứng thực", (_OFFICE, "Phòng Hành chính tư pháp"), late=0.015, supplement=0.004, online=0.05
)
CONSTRUCTION = Field(
    "XD", "Hoạt động xây dựng", (_ECONOMY, "Phòng Quản lý xây dựng"),
    late=0.08, supplement=0.13, online=0.4, business=0.3,
)  # fmt: skip
PLANNING = Field(
    "QH", "Quy hoạch đô thị và nông thôn", (_ECONOMY, "Phòng Quy hoạch - Kiến trúc"),
    late=0.07, supplement=0.05, online=0.3, business=0.3,
)  # fmt: skip
HOUSEHOLD_BUSINESS = Field(
    "HKD", "Thành lập và hoạt động doanh nghiệp (hộ kinh doanh)", (_ECONOMY, "Phòng Đăng ký kinh doanh"),
    late=0.04, supplement=0.07, online=0.6,
)  # fmt: skip
ENTERPRISE = Field(
    "DN", "Thành lập và hoạt động của doanh nghiệp", (_ECONOMY, "Phòng Đăng ký kinh doanh"),
    late=0.03, supplement=0.12, online=0.9, business=1.0,
)  # fmt: skip
WELFARE = Field(
    "BTXH", "Bảo trợ xã hội", ("Phòng Văn hóa - Xã hội", "Phòng Bảo trợ xã hội"),
    late=0.07, supplement=0.06, online=0.2,
)  # fmt: skip

BIRTH = Procedure("1.001193", "Thủ tục đăng ký khai sinh", CIVIL_STATUS, 0, "same_day")
DEATH = Procedure("1.000656", "Thủ tục đăng ký khai tử", CIVIL_STATUS, 0, "same_day")
MARRIAGE = Procedure("1.000894", "Thủ tục đăng ký kết hôn", CIVIL_STATUS, 0, "same_day")
EXTRACT = Procedure("2.000635", "Cấp bản sao Trích lục hộ tịch, bản sao Giấy khai sinh", CIVIL_STATUS, 0, "same_day")
MARITAL_STATUS = Procedure("1.004873", "Thủ tục cấp Giấy xác nhận tình trạng hôn nhân", CIVIL_STATUS, 3)
CORRECTION = Procedure(
    "1.004859", "Thủ tục thay đổi, cải chính, bổ sung thông tin hộ tịch, xác định lại dân tộc", CIVIL_STATUS, 3
)
BIRTH_AGAIN = Procedure("1.004884", "Thủ tục đăng ký lại khai sinh", CIVIL_STATUS, 5)
TRUE_COPY = Procedure("2.000815", "Chứng thực bản sao từ bản chính giấy tờ, văn bản", CERTIFICATION, 0, "same_day")
SIGNATURE = Procedure("2.000884", "Chứng thực chữ ký trong các giấy tờ, văn bản", CERTIFICATION, 0, "same_day")
TRANSACTION = Procedure(
    "2.001035", "Chứng thực giao dịch liên quan đến tài sản là động sản, quyền sử dụng đất, nhà ở",
    CERTIFICATION, 2,
)  # fmt: skip
FIRST_TITLE = Procedure(
    "1.013978", "Đăng ký đất đai, tài sản gắn liền với đất, cấp Giấy chứng nhận lần đầu đối với hộ gia đình, cá nhân",
    LAND, 17, obligation=0.5,
)  # fmt: skip
NEW_TITLE = Procedure(
    "1.012783", "Cấp đổi Giấy chứng nhận quyền sử dụng đất, quyền sở hữu tài sản gắn liền với đất", LAND, 5
)
SPLIT_PARCEL = Procedure("1.012784", "Tách thửa hoặc hợp thửa đất", LAND, 12, obligation=0.15)
LOST_TITLE = Procedure("1.012786", "Cấp lại Giấy chứng nhận do bị mất", LAND, 10)
TITLE_ERROR = Procedure("1.012790", "Đính chính Giấy chứng nhận đã cấp", LAND, 8)
TRANSFER = Procedure(
    "1.013831", "Đăng ký biến động trong các trường hợp chuyển nhượng, thừa kế, tặng cho quyền sử dụng đất",
    LAND, 8, obligation=0.45,
)  # fmt: skip
LAND_DATA = Procedure("1.012789", "Cung cấp thông tin, dữ liệu đất đai", LAND, 10)
LAND_DISPUTE = Procedure("1.012812", "Hòa giải tranh chấp đất đai", LAND, 30, "calendar_days")
LEASE_REMOVAL = Procedure("1.012766", "Xóa đăng ký thuê, cho thuê lại quyền sử dụng đất", LAND, 3)
BUILDING = Procedure(
    "1.013225", "Cấp giấy phép xây dựng mới đối với công trình cấp III, cấp IV và nhà ở riêng lẻ",
    CONSTRUCTION, 20, "calendar_days",
)  # fmt: skip
BUILDING_LARGE = Procedure(
    "1.013236", "Cấp giấy phép xây dựng mới công trình cấp đặc biệt, cấp I, cấp II",
    CONSTRUCTION, 20, "calendar_days",
)  # fmt: skip
BUILDING_EXTENDED = Procedure(
    "1.013227", "Gia hạn giấy phép xây dựng đối với công trình cấp III, cấp IV và nhà ở riêng lẻ", CONSTRUCTION, 5
)
ZONING = Procedure("1.014159", "Cung cấp thông tin quy hoạch đô thị và nông thôn", PLANNING, 10, "calendar_days")
HOUSEHOLD = Procedure("1.001612", "Đăng ký thành lập hộ kinh doanh", HOUSEHOLD_BUSINESS, 3)
COMPANY_ONE = Procedure("2.001583", "Đăng ký thành lập công ty TNHH một thành viên", ENTERPRISE, 3)
COMPANY_TWO = Procedure("2.001199", "Đăng ký thành lập công ty TNHH hai thành viên trở lên", ENTERPRISE, 3)
COMPANY_SHARES = Procedure("2.002043", "Đăng ký thành lập công ty cổ phần", ENTERPRISE, 3)
ALLOWANCE = Procedure("1.001776", "Thực hiện, điều chỉnh, thôi hưởng trợ cấp xã hội hàng tháng", WELFARE, 22)

# What is asked for at which kind of desk, with weights.
DESKS: dict[str, dict[Procedure, float]] = {
    "commune": {
        TRUE_COPY: 22, SIGNATURE: 6, TRANSACTION: 6, BIRTH: 8, DEATH: 3, MARRIAGE: 4, EXTRACT: 9, MARITAL_STATUS: 7,
        CORRECTION: 4, BIRTH_AGAIN: 2, FIRST_TITLE: 8, LAND_DISPUTE: 1, LAND_DATA: 3, BUILDING: 4,
        BUILDING_EXTENDED: 1, ZONING: 1, HOUSEHOLD: 6, ALLOWANCE: 5,
    },
    "land_office": {
        TRANSFER: 45, NEW_TITLE: 18, SPLIT_PARCEL: 14, LOST_TITLE: 6, TITLE_ERROR: 7, LAND_DATA: 10,
    },
    "construction": {BUILDING_LARGE: 35, BUILDING_EXTENDED: 25, ZONING: 40},
    "finance": {COMPANY_ONE: 50, COMPANY_TWO: 30, COMPANY_SHARES: 20},
    "justice": {EXTRACT: 100},
    "environment": {LAND_DATA: 65, LEASE_REMOVAL: 35},
}  # fmt: skip
