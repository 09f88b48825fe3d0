"""Programs that file over HTTP: free at first, then with work, each piece of which is good once."""

from itertools import count

import pytest
from fastapi import HTTPException, Request

from services.complaints.web import admission, tokens
from services.complaints.web.gate import Gate
from tests.unit.complaints.pages import site


def call(**headers: str) -> Request:
    raw = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw, "client": ("10.0.0.9", 4000)})


def challenged(gate: Gate, request: Request) -> str:
    """Return the token of the challenge that a call is answered with."""
    with pytest.raises(HTTPException) as refused:
        admission.admit(request, gate)
    assert refused.value.status_code == 429
    assert 0 < int((refused.value.headers or {})["Retry-After"]) <= 60
    kind, bits, token = (refused.value.headers or {})[admission.CHALLENGE].split("; ")
    assert (kind, bits) == ("sha256", "bits=8")
    return token.removeprefix("token=")


def test_work_lets_a_program_through_once() -> None:
    gate = site(free=1).pages.gate
    admission.admit(call(), gate)
    token = challenged(gate, call())
    nonce = next(n for n in count() if tokens.proves(token, str(n), bits=8))
    worked = call(dondoc_work=f"token={token}; nonce={nonce}")
    admission.admit(worked, gate)
    challenged(gate, worked)


def test_work_that_is_none_is_answered_with_a_new_challenge_and_counts_as_a_try() -> None:
    gate = site(free=1).pages.gate
    admission.admit(call(), gate)
    token = challenged(gate, call())
    for header in ("x", "token=x; nonce=1", f"token={token}", f"token={token}; nonce=-1"):
        assert challenged(gate, call(dondoc_work=header)) != token
    for _ in range(3):
        challenged(gate, call(dondoc_work=f"token={token}; nonce=x"))
    with pytest.raises(HTTPException) as refused:
        admission.admit(call(), gate)
    assert admission.CHALLENGE not in (refused.value.headers or {})
