"""The gate that all who file pass, by the page and by programs: one for a process."""

from __future__ import annotations

import hmac
import math
import os
from dataclasses import dataclass, field

from fastapi import HTTPException, Request

from services.complaints.web import tokens
from services.complaints.web.claims import Claims
from services.complaints.web.guard import Guard, Limits
from shared.clock import machine_now

KEY_BYTES = 32
DERIVED = b"dondoc key of forms v1"  # no other use of the installation's key gives the same


@dataclass
class Gate:
    """guard: the limits of addresses. claims: the forms, and the work of programs, that were used."""

    guard: Guard
    claims: Claims = field(default_factory=Claims)

    def new_token(self) -> str:
        return self.guard.issue(os.urandom(tokens.ID_BYTES), now_s=machine_now().timestamp())


def open_gate(limits: Limits, *, api_key: str) -> Gate:
    """Return a gate. api_key: of the installation: what is derived of it lets each copy of the service know the forms
    of the others; without one the key is this process's own, and forms that lie open at a restart are sent again."""
    secret = api_key.encode() or os.urandom(KEY_BYTES)
    return Gate(Guard(limits, hmac.digest(secret, DERIVED, "sha256")))


def address_of(request: Request) -> str:
    """Return whose request it is: behind a proxy that is trusted (FORWARDED_ALLOW_IPS), whom that one speaks for."""
    return request.client.host if request.client else ""


def too_many(wait_s: float) -> HTTPException:
    return HTTPException(429, "too many calls from this address", {"Retry-After": str(math.ceil(wait_s))})
