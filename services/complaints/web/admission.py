"""The guard for programs that file over HTTP: the same limits as for the page, and work in place of the question.

Over the free limit a call is answered 429 with the header `Dondoc-Challenge: sha256; bits=18; token=…`. It is sent
again with `Dondoc-Work: token=…; nonce=…`, where SHA-256 of `token:nonce` begins with so many zero bits and the nonce
is a decimal number. A token is good for one filing within two hours. The same text again is no repeat here: programs of
offices file for many, and two citizens' same words are two feedbacks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from fastapi import HTTPException, Request

from services.complaints.web.gate import Gate, address_of, too_many
from services.complaints.web.tokens import TokenError
from shared.clock import machine_now, monotonic_s

CHALLENGE, WORK = "Dondoc-Challenge", "Dondoc-Work"


def admit(request: Request, gate: Gate) -> None:
    """Let a program file, or not yet. raises: HTTPException - 429, with a challenge where work can help."""
    address, at_s, guard = address_of(request), monotonic_s(), gate.guard
    if wait_s := guard.wait_s(address, at_s=at_s):
        raise too_many(wait_s)
    free_in_s = guard.free_wait_s(address, at_s=at_s, count=True)
    if not free_in_s or _has_worked(request, gate, at_s=at_s):
        return
    challenge = f"sha256; bits={guard.limits.bits}; token={gate.new_token()}"
    detail = f"many filings came from this address: wait, or do the work of {CHALLENGE} and send it as {WORK}"
    raise HTTPException(429, detail, {"Retry-After": str(math.ceil(free_in_s)), CHALLENGE: challenge})


def _has_worked(request: Request, gate: Gate, *, at_s: float) -> bool:
    """Return whether the call brings work that was not used before; each try that is wrong counts."""
    given = _parts(request.headers.get(WORK, ""))
    if not given:
        return False
    try:
        token = gate.guard.read(given.get("token", ""), now_s=machine_now().timestamp())
    except TokenError:
        return False
    if gate.claims.find(token.id, at_s=at_s) or not gate.guard.is_proof(token, nonce=given.get("nonce", ""), answer=""):
        gate.guard.note_wrong(address_of(request), at_s=at_s)
        return False
    gate.claims.take(token.id, b"", at_s=at_s)
    return True


def _parts(header: str) -> Mapping[str, str]:
    """Return the parts of `token=…; nonce=…`."""
    parts = (part.strip().partition("=") for part in header.split(";") if part.strip())
    return {name.lower(): value for name, _, value in parts}
