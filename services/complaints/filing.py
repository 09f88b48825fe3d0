"""What a feedback must look like, its number and its secret. Pure but for the randomness of these."""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from shared.codes import agency_of, short_agency
from shared.events import FeedbackKind

LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that is taken for another on the phone: 0 O, 1 I L, U V
CODE = re.compile(rf"PA(?:-[{LETTERS}]{{4}}){{3}}")
SECRET = re.compile(rf"[{LETTERS}]{{4}}(?:-[{LETTERS}]{{4}}){{2}}")  # 58 bits


def new_code() -> str:
    """Return the public number of a new feedback: it tells neither when nor how many, and opens nothing."""
    return "PA-" + _letters()


def new_secret() -> str:
    """Return what opens a feedback beside its number; nobody can guess it."""
    return _letters()


def _letters() -> str:
    rest = secrets.randbelow(len(LETTERS) ** 12)  # asked for once: each call lets all other threads go first
    letters = ""
    for _ in range(12):
        rest, at = divmod(rest, len(LETTERS))
        letters += LETTERS[at]
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"


def digest(secret: str) -> bytes:
    """Return what is kept of a secret. It is random, so a fast hash is as good as a slow one."""
    return hashlib.sha256(secret.encode()).digest()


def read_code(written: str) -> str | None:
    """Return a number as we write it, or None where `written` cannot be one. Hyphens, blanks and case do not matter."""
    bare = re.sub(r"[\s-]", "", written).upper()
    code = "-".join((bare[:2], bare[2:6], bare[6:10], bare[10:]))
    return code if CODE.fullmatch(code) else None


def read_secret(written: str) -> str | None:
    """Return a secret as we write it, or None where `written` cannot be one."""
    bare = re.sub(r"[\s-]", "", written).upper()
    secret = "-".join((bare[:4], bare[4:8], bare[8:]))
    return secret if SECRET.fullmatch(secret) else None


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

    unit: agency id, code or name of the unit it is about. place: of what happened, a commune or in words.
    dossier: its code (MaHoSo). name, contact, address: of the sender, kept under seal; hide_identity: none who deals
    with it may know them, nor read the text but who must. anonymous: it names no sender. kind_hint: what the sender
    takes it for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: Text
    unit: Line | None = None
    place: Line | None = None
    dossier: Line | None = None
    name: Line | None = None
    contact: Line | None = None
    address: Line | None = None
    hide_identity: bool = False
    anonymous: bool = False
    kind_hint: FeedbackKind | None = None

    @model_validator(mode="after")
    def _is_anonymous_throughout(self) -> Filing:
        if self.anonymous and (self.name or self.contact or self.address):
            raise ValueError("an anonymous feedback names no sender: leave name, contact and address out")
        return self

    @property
    def is_unsigned(self) -> bool:
        return not (self.name or self.contact)


def dossier_key(filing: Filing) -> str | None:
    """Return the dossier's code as all services write it: trimmed and upper case."""
    return filing.dossier.upper() if filing.dossier else None


def unit_words(filing: Filing) -> str | None:
    """Return the words for the unit it is about: those given, agency ids in short form, else the dossier code's."""
    if filing.unit:
        return short_agency(filing.unit) or filing.unit
    return agency_of(filing.dossier) if filing.dossier else None
