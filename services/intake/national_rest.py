"""The portal's shape of 2026: one REST verb each for a dossier, its progress, its status. Pure.

source: a ministry portal's integration page of 2026; no official technical guide is public. The verbs' elements hold
what those of 2020 hold, under the same names, with dates in ISO 8601 and codes as numbers; a date without an offset is
in Vietnamese time. An element comes in the envelope of 2020, `{"service": <verb>, "data": [...]}`.

LoaiDoiTuong (who applies) has other numbers here than in the shape of 2020; it is read from neither.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from services.intake import national
from services.intake.national import (
    EARLIEST_YEAR,
    LATEST_YEAR,
    Absent,
    Snapshot,
    Step,
    StepStatus,
    Supplement,
    word,
)
from shared.instants import VIETNAM, canonical

# a date alone is no moment: what is due on it is due at its end, what happened on it may have at its beginning
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)


def instant(raw: object) -> str | None:
    """Return a time in Vietnamese time to the second, None for an empty member.

    Fractions are cut off, as the same moment has none in the shape of 2020.
    raises: ValueError - not ISO 8601 with a time of day, or of a year that is a slip of the keyboard.
    """
    text = word(raw)
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text if _TIME.fullmatch(text) else "")
    except ValueError:
        raise ValueError("must be a time in ISO 8601, as in 2026-06-09T08:30:00+07:00") from None
    if not EARLIEST_YEAR <= at.year <= LATEST_YEAR:
        raise ValueError(f"a year must lie between {EARLIEST_YEAR} and {LATEST_YEAR}")
    return canonical((at if at.tzinfo else at.replace(tzinfo=VIETNAM)).replace(microsecond=0))


Instant = Annotated[str | None, BeforeValidator(instant)]
StepInstant = Annotated[str, BeforeValidator(instant)]


class RestSupplement(Supplement):
    """More papers asked of the applicant."""

    requested_at: Instant = Field(default=None, alias="NgayBoSung")
    received_at: Instant = Field(default=None, alias="NgayTiepNhanBoSung")
    due_before: Instant = Field(default=None, alias="NgayHenTraTruoc")
    due_after: Instant = Field(default=None, alias="NgayHenTraMoi")


class RestDossier(Snapshot):
    """A dossier as a source holds it (CreateDossier, also named NoiHoSo)."""

    filed_at: Instant = Field(default=None, alias="NgayNopHoSo")
    accepted_at: Instant = Field(default=None, alias="NgayTiepNhan")
    due_at: Instant = Field(default=None, alias="NgayHenTra")
    refused_at: Instant = Field(default=None, alias="NgayTuChoi")
    ended_at: Instant = Field(default=None, alias="NgayKetThucXuLy")
    returned_at: Instant = Field(default=None, alias="NgayTra")
    supplements: Annotated[tuple[RestSupplement, ...], Absent] = Field(
        default=(), alias="DanhSachHoSoBoSung", max_length=100
    )


class RestStep(Step):
    """A step of processing (an element of CapNhatTienTrinh)."""

    at: StepInstant = Field(alias="ThoiDiemXuLy")
    step_due_at: Instant = Field(default=None, alias="NgayKetThucTheoQuyDinh")


class RestStatus(RestDossier):
    """A dossier's status and mostly nothing else (an element of CapNhatTrangThai): it has no time of its own.

    It is as new as its receipt, unless the envelope has `sent_at`. Without that the same status heard again is the
    same fact, at its first receipt, for a feed sent twice must not reopen what has ended: a status that comes back
    (4, then 5, then 4) is told by CapNhatTienTrinh, which says when, or with `sent_at`.
    """

    status: StepStatus = Field(alias="TrangThai")


SHAPES: Mapping[str, type[Snapshot] | type[Step]] = {
    **national.SHAPES,
    "CreateDossier": RestDossier,
    "NoiHoSo": RestDossier,
    "CapNhatTienTrinh": RestStep,
    "CapNhatTrangThai": RestStatus,
}
