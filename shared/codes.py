"""Codes as the national systems write them: agency ids in both shapes, dossier codes, procedure codes. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

_OLD_AGENCY = re.compile(r"^(?:\d{2,3}\.)+[A-Z]\d{2}$")
_NEW_AGENCY = re.compile(r"^[A-Z]\d{2}(?:\.\d{1,3})*$")
_DOSSIER = re.compile(r"^(?P<agency>(?:\d{3}\.\d{2}\.\d{2}\.)?[A-Z]\d{2}(?:\.\d{1,3})*)-(?:\d{6}|\d{8})-\d{4,8}$")
_PROCEDURE = re.compile(r"^\d\.\d{6}")


@lru_cache(maxsize=10_000)  # a province has some hundreds of agencies and names
def short_agency(raw: str) -> str | None:
    """Return an agency id in its short form, or None where `raw` is not one.

    `000.00.12.H56` -> `H56.12`: groups reversed, all-zero groups dropped. `H56.12` stays.
    source: QCVN 102:2016 (old shape), QĐ 20/2020/QĐ-TTg (new shape).
    """
    code = raw.strip().upper()
    if _NEW_AGENCY.match(code):
        groups = code.split(".")
    elif _OLD_AGENCY.match(code):
        groups = code.split(".")[::-1]
    else:
        return None
    return ".".join(group for group in groups if group.strip("0"))


def agency_of(dossier: str) -> str | None:
    """Return the short agency id at the head of a dossier code (MaHoSo), or None where it has none.

    The rest of a code is never given a meaning. source: TT 01/2018/TT-VPCP; the 2026 form has an eight-digit date.
    """
    match = _DOSSIER.match(dossier.strip().upper())
    return short_agency(match["agency"]) if match else None


def national_procedure(raw: str) -> str:
    """Return the national part of a procedure code: local catalogues append the province (`1.012753.H19`)."""
    code = raw.strip()
    return code[:8] if _PROCEDURE.match(code) else code
