"""What the pages need of the rest of complaints."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from services.complaints.filing import Filing
from services.complaints.publishing.wording import Choices, PublishedPage
from services.complaints.secrecy.vault import Kept, Limits
from shared.events import FeedbackState


class NotNowError(Exception):
    """The feedback is not in a state in which its sender can do this."""


@dataclass(frozen=True, slots=True)
class Filed:
    """code: the public number. secret: opens it together with the code; nobody can say it again."""

    code: str
    secret: str


@dataclass(frozen=True, slots=True)
class Followed:
    """What its sender may know of a feedback. asked: what they are asked to add. refused: the reason."""

    code: str
    state: FeedbackState
    filed_at: datetime
    expected_on: date | None = None
    answered_at: datetime | None = None
    answer: str | None = None
    asked: str | None = None
    refused: str | None = None
    rating: int | None = None
    may_rate: bool = False
    may_reopen: bool = False
    reopen_until: date | None = None


class Desk(Protocol):
    """Takes what senders do. All but `file` and `follow` raise NotNowError, also where code and secret are wrong."""

    async def file(self, filing: Filing, *, source: str, code: str, attachments: Sequence[Kept]) -> Filed:
        """Store a feedback. code: under which its attachments were kept."""
        ...

    async def follow(self, code: str, secret: str) -> Followed | None: ...

    async def supplement(self, code: str, secret: str, text: str, attachments: Sequence[Kept]) -> None: ...

    async def rate(self, code: str, secret: str, rating: int) -> None: ...

    async def reopen(self, code: str, secret: str, reason: str) -> None: ...

    async def units(self) -> Sequence[str]:
        """Return the names of units that a feedback may be about, in the order to be shown; empty where not known."""
        ...

    async def published(self, *, unit: str | None, field: str | None, before: UUID | None) -> PublishedPage | None:
        """Return a page of what all may read; None where no page ended at `before`."""
        ...

    async def choices(self) -> Choices:
        """Return by what the published can be chosen."""
        ...


class Vault(Protocol):
    """Keeps attachments outside the database."""

    @property
    def limits(self) -> Limits: ...

    async def keep(self, chunks: AsyncIterator[bytes], *, name: str, code: str, there: Sequence[Kept] = ()) -> Kept:
        """Keep a file as it comes. code: of the feedback it belongs to. raises: RefusedFile."""
        ...

    def remove(self, kept: Iterable[Kept]) -> None:
        """Remove files that surely belong to nothing. Blocks."""
        ...
