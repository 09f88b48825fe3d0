"""What the routes of this room need beside the running service; given to each request by the router."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import cast

from fastapi import HTTPException, Request

from services.notify.answering.tokens import Links
from services.notify.pressing.rules import Rules
from shared.allowance import Allowance
from shared.clock import monotonic_s


@dataclass
class Answering:
    """rules, links: of this service. per_minute: calls by one link, and calls without a link from one address; 0 = no
    limit. Who has a link is not held up by others at the same address: whole offices share one, and so do all where a
    proxy does not say whom it speaks for."""

    rules: Rules
    links: Links
    per_minute: int
    _of_address: Allowance = field(default_factory=Allowance)
    _of_link: Allowance = field(default_factory=Allowance)

    def slow_down(self, request: Request, token: str, *, is_ours: bool) -> None:
        """Count a call. raises: HTTPException - 429: too many with this link, or without one from this address."""
        address = request.client.host if request.client else ""
        calls, caller = (self._of_link, token) if is_ours else (self._of_address, address)
        if wait_s := calls.wait_s(caller, per_minute=self.per_minute, at_s=monotonic_s()):
            raise HTTPException(429, "too many calls; wait a little", headers={"Retry-After": str(math.ceil(wait_s))})


def of(request: Request) -> Answering:
    return cast(Answering, request.state.answering)
