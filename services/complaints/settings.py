"""Settings of complaints."""

from __future__ import annotations

from pydantic import Field

from shared import settings


class Settings(settings.Settings):
    """Environment variables `DONDOC_…`, those of this service alone `DONDOC_COMPLAINTS_…`."""

    complaints_answer_working_days: int = Field(default=15, ge=1, le=60)
    """Working days until a feedback must be answered, counted from its filing.

    law: NĐ 20/2008/NĐ-CP (am. 48/2013, 92/2017) on phản ánh, kiến nghị; the national clock is 15 at most. The
    province's own regulation (QĐ 115/2025/QĐ-UBND of Thanh Hóa) may be shorter, hence a setting.
    """

    complaints_filings_per_minute: int = Field(default=30, ge=0)  # from one address; 0 = no limit; offices share one
    complaints_lookups_per_minute: int = Field(default=120, ge=0)  # likewise; a page that follows one code needs few
