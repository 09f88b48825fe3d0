"""A notice as it is stored, whatever it says. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.events import NoticeChannel

NoticeKind = Literal["digest", "at_once", "weekly", "absence", "pattern"]


@dataclass(frozen=True, slots=True)
class Notice:
    """A rendered notice as it is stored; an SMS has no subject and no HTML.

    kind: a digest is unique for its post, slot and channel; slot: of what went at once, the instant. status: stored, or
    withheld with a reason from the start. why: reasons of the enum. template: what it was made from.
    """

    id: str
    post: str
    role: str
    channel: NoticeChannel
    slot: datetime
    status: str
    reason: str
    recipient: str
    subject: str
    text_body: str
    html_body: str
    items: int
    stored_at: datetime
    traces: list[str]
    kind: NoticeKind = "digest"
    why: tuple[str, ...] = ()
    template: str = ""
