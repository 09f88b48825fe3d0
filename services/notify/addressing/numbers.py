"""Vietnamese telephone numbers, as people and spreadsheets write them. Pure."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"\+?[0-9][0-9 .()-]{7,18}")
_MOBILE = re.compile(r"[35789][0-9]{8}")  # a mobile number without the 0 before it


def number(raw: str) -> str | None:
    """Return a Vietnamese number as 84…, None where it is none. A spreadsheet drops the 0 of a mobile number."""
    if not _DIGITS.fullmatch(raw.strip()):
        return None
    digits = re.sub(r"\D", "", raw)
    digits = "0" + digits if _MOBILE.fullmatch(digits) and "+" not in raw else digits
    digits = "84" + digits[1:] if digits.startswith("0") else digits
    return digits if digits.startswith("84") and 10 <= len(digits) <= 12 else None
