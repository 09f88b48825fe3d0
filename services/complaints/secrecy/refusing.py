"""Why a file is not taken, said to the citizen who sends it. Pure."""

from __future__ import annotations

from typing import Literal

Reason = Literal[
    "empty", "too_big", "too_many", "too_much", "unknown", "differs", "two_in_one", "macros", "locked", "damaged"
]
ACCEPTED = "PDF, JPG, PNG, WEBP, HEIC, DOCX, XLSX, MP3, M4A, MP4, MOV"
SAID: dict[Reason, tuple[str, str]] = {
    "empty": ("Tệp đính kèm không có nội dung.", "The file is empty."),
    "too_big": (
        "Tệp đính kèm vượt quá dung lượng cho phép là {limit}.",
        "The file is larger than {limit}, the most one may have.",
    ),
    "too_many": (
        "Mỗi phản ánh chỉ được đính kèm tối đa {limit} tệp.",
        "A feedback may have {limit} files at most.",
    ),
    "too_much": (
        "Tổng dung lượng các tệp đính kèm vượt quá mức cho phép là {limit}.",
        "The files of a feedback together may have {limit} at most.",
    ),
    "unknown": (
        f"Loại tệp này không được tiếp nhận. Xin gửi tệp thuộc các loại: {ACCEPTED}.",
        f"Files of this type are not taken; send one of {ACCEPTED}.",
    ),
    "differs": (
        "Nội dung tệp không phù hợp với phần mở rộng của tên tệp. Xin kiểm tra lại tệp trước khi gửi.",
        "The content of the file is not what its name says.",
    ),
    "two_in_one": (
        "Tệp chứa nội dung của một loại tệp khác nên không được tiếp nhận.",
        "The file holds another kind of file as well, and is not taken.",
    ),
    "macros": (
        "Tệp có chứa macro hoặc mã lệnh nên không được tiếp nhận. Xin lưu thành tệp PDF rồi gửi lại.",
        "The document holds macros or programs; save it as PDF and send that.",
    ),
    "locked": (
        "Tệp được bảo vệ bằng mật khẩu nên không thể tiếp nhận. Xin gỡ mật khẩu rồi gửi lại.",
        "The document is protected by a password; remove it and send the file again.",
    ),
    "damaged": (
        "Tệp bị hỏng hoặc không đúng cấu trúc. Xin kiểm tra lại hoặc lưu thành tệp PDF rồi gửi lại.",
        "The file is damaged or not built as its type should be; check it, or save it as PDF.",
    ),
}


class RefusedFile(ValueError):
    """The file is not taken. vi, en: the sentence for the citizen; neither holds its name or content."""

    def __init__(self, reason: Reason, *, limit: str = "") -> None:
        self.reason: Reason = reason
        self.vi, self.en = (sentence.format(limit=limit) for sentence in SAID[reason])
        super().__init__(self.en)


def in_words(bytes: int) -> str:
    """Return a number of bytes as people read it."""
    return f"{bytes / (1 << 20):g} MB" if bytes >= 1 << 20 else f"{bytes / (1 << 10):g} kB"
