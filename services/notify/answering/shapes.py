"""What a head may answer, as a form of the page or as JSON. Pure."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

REASON_LETTERS = 500
FIELDS = 5_000  # of a form: each ticked matter is one
Covered = Annotated[str, Field(min_length=1, max_length=200)]


class FormError(ValueError):
    """The form cannot be read."""


def _clean(text: str) -> str:
    if any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\r\t" for letter in text):
        raise ValueError("control characters are not accepted")
    return unicodedata.normalize("NFC", text).replace("\r\n", "\n").strip()


# normalised text may be longer than what was sent: the bound holds for what is kept
Reason = Annotated[str, Field(max_length=4 * REASON_LETTERS), AfterValidator(_clean), Field(max_length=REASON_LETTERS)]
Given = Annotated[Reason, Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _About(_Part):
    """obligations: ids of those meant, of what the notice covers; null: all that is open of it."""

    obligations: Annotated[list[Covered], Field(min_length=1, max_length=FIELDS)] | None = None


class Promise(_About):
    """It will be settled by the end of a day."""

    answer: Literal["promise"]
    until: date
    reason: Given


class Settled(_About):
    """It is settled already; the data are behind."""

    answer: Literal["settled"]
    reason: Reason = ""


class NotOurs(_About):
    """Another unit must act."""

    answer: Literal["not_ours"]
    reason: Reason = ""


class Absent(_Part):
    """Who heads the unit is away on these days, both included, and a deputy stands in.

    deputy: the post of the unit that stands in, as the directory names it.
    """

    answer: Literal["absence"]
    since: date
    until: date
    deputy: Annotated[str, Field(min_length=1, max_length=200)]


Answer = Promise | Settled | NotOurs | Absent
OfMatters = Promise | Settled | NotOurs
ANSWER: TypeAdapter[Answer] = TypeAdapter(Annotated[Answer, Field(discriminator="answer")])
FIELDS_OF = {
    "promise": ("until", "reason"),
    "settled": ("reason",),
    "not_ours": ("reason",),
    "absence": ("since", "until", "deputy"),
}


def from_form(body: bytes) -> Answer:
    """Return the answer of the page's form. Fields of the answers that were not chosen are passed over.

    raises: FormError - not to be read as a form. pydantic.ValidationError - it does not fit.
    """
    try:
        sent = parse_qs(body.decode("ascii"), strict_parsing=bool(body), max_num_fields=FIELDS, errors="strict")
    except ValueError:
        raise FormError("this is no form of the page; open the link of the mail again") from None
    chosen = sent.get("answer", [""])[0]
    given: dict[str, Any] = {"answer": chosen}
    for field in FIELDS_OF.get(chosen, ()):
        # two answers have a field `until`; each has a name of its own in the form
        if value := (sent.get(f"{chosen}_{field}") or [""])[0].strip():
            given[field] = value
    if chosen in ("promise", "settled", "not_ours") and sent.get("about", ["all"])[0] != "all":
        given["obligations"] = sent.get("o", [])
    return ANSWER.validate_python(given)
