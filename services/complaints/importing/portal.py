"""Records of the national portal's feedback: the names of its states, and what each means for a feedback here. Pure.

The shape of a record is ours: no message of the portal about feedback is known, only the names of its states.
source: the definition file of QĐ 766/QĐ-TTg (23/6/2022) names the states; what they mean here is our reading.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.complaints.filing import Line, Text
from services.complaints.importing.lines import Ref

Meaning = Literal[
    "received",
    "supplement_asked",
    "supplemented",
    "refused",
    "returned",
    "transferred",
    "answered",
    "published",
    "none",
]


class State(NamedTuple):
    """name: as the definition file writes it. rank: of two of one moment the higher one is the newer."""

    name: str
    meaning: Meaning
    rank: int


MEANINGS: Sequence[tuple[str, Meaning]] = (
    ("Mới tiếp nhận VPCP", "received"),
    ("Tiếp nhận ở địa phương", "received"),
    ("Phản ánh trực tiếp xử lý", "received"),
    ("xử lý ở địa phương", "received"),
    ("PAKN gửi đi đơn vị khác bằng phần mềm riêng", "transferred"),
    ("Trả lại tiếp nhận địa phương", "returned"),
    ("PA chờ bổ sung", "supplement_asked"),
    ("PAKN đã bổ sung", "supplemented"),
    ("Đã gửi email", "none"),  # that a letter went out, not which
    ("Từ chối tiếp nhận", "refused"),
    ("Trả lại VPCP", "refused"),  # it goes back to the Government Office: nothing is owed here any more
    ("BNĐP gửi trả VPCP / BNĐP khác", "refused"),  # likewise, or on to another ministry or province
    ("PAKN chờ công khai", "answered"),
    ("PAKN đã công khai", "published"),
)
STATES = tuple(State(name, meaning, rank) for rank, (name, meaning) in enumerate(MEANINGS))


def _folded(word: str) -> str:
    return " ".join(unicodedata.normalize("NFC", word).casefold().split())


BY_NAME: Mapping[str, State] = {_folded(state.name): state for state in STATES}


def state_of(word: str) -> State | None:
    """Return the state of a name; case and blanks do not matter."""
    return BY_NAME.get(_folded(word))


class Record(BaseModel):
    """A feedback of the portal as it stands there.

    ref: its number there. text: needed of one that is not known here yet. unit: whom it is about; of a transfer, who
    gets it. updated_at: since when it is in this state. answer: needed once it is answered. asked: what the sender
    is to add. reason: of a refusal, a return or a transfer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    ref: Ref
    state: Line
    text: Text | None = None
    unit: Line | None = None
    place: Line | None = None
    dossier: Line | None = None
    filed_at: AwareDatetime
    updated_at: AwareDatetime
    answer: Text | None = None
    asked: Text | None = None
    reason: Text | None = None

    @property
    def at(self) -> State | None:
        return state_of(self.state)
