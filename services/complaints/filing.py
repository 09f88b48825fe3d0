"""What a feedback must look like, its code, and whom it goes to. Pure but for the randomness of a code."""

from __future__ import annotations

import re
import secrets
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from shared.codes import agency_of, short_agency

CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that is taken for another on the phone: 0 O, 1 I L, U V
CODE = re.compile(rf"PA(?:-[{CODE_LETTERS}]{{4}}){{3}}")  # 58 bits: the code is the secret


def new_code() -> str:
    """Return a code that nobody can guess."""
    letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(12))
    return f"PA-{letters[:4]}-{letters[4:8]}-{letters[8:]}"


def read_code(written: str) -> str | None:
    """Return a code as we write it, or None where `written` cannot be one. Hyphens, blanks and case do not matter."""
    bare = re.sub(r"[\s-]", "", written).upper()
    code = "-".join((bare[:2], bare[2:6], bare[6:10], bare[10:]))
    return code if CODE.fullmatch(code) else None


def clean_text(text: str) -> str:
    """Return text of several lines in NFC, stripped. raises: ValueError - control characters."""
    return _clean(text, allowed="\n\r\t")


def clean_line(text: str) -> str:
    """Return text of one line in NFC, stripped. raises: ValueError - control characters."""
    return _clean(text, allowed="")


def _clean(text: str, *, allowed: str) -> str:
    if any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in allowed for letter in text):
        raise ValueError("control characters are not accepted")
    return unicodedata.normalize("NFC", text).strip()


Text = Annotated[str, AfterValidator(clean_text), Field(min_length=1, max_length=20_000)]
Line = Annotated[str, AfterValidator(clean_line), Field(min_length=1, max_length=200)]


class Filing(BaseModel):
    """A feedback as a citizen sends it.

    unit: agency id or name of the unit it is about. dossier: its code (MaHoSo). contact: how to reach the sender.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: Text
    unit: Line | None = None
    dossier: Line | None = None
    contact: Line | None = None

    @model_validator(mode="after")
    def _names_its_matter(self) -> Filing:
        if self.unit is None and self.dossier is None:
            raise ValueError("name the unit or the dossier")
        return self


class Answer(BaseModel):
    """What the unit answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: Text


def dossier_key(filing: Filing) -> str | None:
    """Return the dossier's code as all services write it: trimmed and upper case."""
    return filing.dossier.upper() if filing.dossier else None


def addressee(filing: Filing) -> str | None:
    """Return the unit that must answer: the one named, agency ids in short form, else the one in the dossier's code."""
    if filing.unit:
        return short_agency(filing.unit) or filing.unit
    return agency_of(filing.dossier) if filing.dossier else None
