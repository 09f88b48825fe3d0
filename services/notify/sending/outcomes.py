"""What a channel says of one sending: whether the provider has it, and whether trying again can help. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider took the notice; from here it answers for it. reference: its own id of it, which receipts name."""

    reference: str = ""


@dataclass(frozen=True, slots=True)
class TryLater:
    """The provider, or the way to it, failed; the notice itself may be good.

    after_s: no earlier, if it said so. unsure: it may have taken the notice all the same. of_notice: what failed says
    nothing of the provider, which works for others.
    """

    reason: str
    after_s: int | None = None
    unsure: bool = False
    of_notice: bool = False


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The provider will never take this notice. no_such_address: because the recipient's address is none."""

    reason: str
    no_such_address: bool = False


Outcome = Sent | TryLater | GiveUp
