"""What a policy says of receipts: how long one is waited for, and when an address counts as dead. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from shared.events import NoticeChannel


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Wait(_Part):
    """How long a receipt may take, in business time."""

    after_minutes: int = Field(default=30, ge=1, le=20_160)

    @property
    def span(self) -> timedelta:
        return timedelta(minutes=self.after_minutes)


class Awaited(_Part):
    """Which receipts are waited for.

    email, sms: null waits for none; a bounce and a receipt that come all the same are heeded. providers: of one by its
    name whether it gives receipts; one that is not named gives them where its description says how. dead_after: so many
    failures in a row, none of them saying that the address does not exist, make an address a dead one. letters_above:
    so many of one slot go to the head of a unit above, in place of heads who were not reached; more at once are an
    outage, which is the operator's matter.
    """

    email: Wait | None = None
    sms: Wait | None = Wait()
    providers: Mapping[str, bool] = {}
    dead_after: int = Field(default=3, ge=1, le=50)
    letters_above: int = Field(default=5, ge=0, le=100)

    def span(self, channel: NoticeChannel, *, provider: str, gives: bool) -> timedelta | None:
        """Return how long to wait for the receipt of a notice, None for not at all. gives: by its description."""
        wait = self.email if channel == "email" else self.sms
        return wait.span if wait and self.providers.get(provider, gives) else None
