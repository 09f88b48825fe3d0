"""Who may call: the installation with its key, and a source with its own key, under its own name, at its own rate."""

from __future__ import annotations

import hmac
import math
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import APIKeyHeader

from services.intake.sources import audit, keys, store
from services.intake.sources.rates import Buckets
from services.intake.sources.register import Register, Source
from services.intake.understanding import SETTINGS
from shared.bodies import read_raw, unpacked
from shared.clock import machine_now, monotonic_s
from shared.db import is_transient
from shared.http import require_key
from shared.logs import log, told
from shared.secrets import KEY_HEADER
from shared.service import Running

FEEDS = "/v1/feeds/{source}/"
FRESH_S = 1.0  # another copy's change to the register is seen after this at the latest
NOT_ADMITTED = f"send the key of this source in the header {KEY_HEADER}"  # the same whatever is wrong
OBJECT_MARKS = (b'"MaHoSo"', b'"specversion"')
OBJECTS, BYTES = Buckets(), Buckets()
_header = APIKeyHeader(name=KEY_HEADER, auto_error=False)


async def admit(request: Request, key: Annotated[str | None, Depends(_header)]) -> None:
    """Let a call in: feeds by a source's own key or the installation's, all else by the installation's alone.

    raises: HTTPException - 401 unknown source, wrong key or disabled, which look alike; 403 disabled, to the
    installation; 429 sent too much.
    """
    if not request.scope["route"].path.startswith(FEEDS):
        return await require_key(request, key)
    name = request.path_params["source"]
    running: Running = request.app.state.running
    register = await current(request)
    expected = request.app.state.api_key
    if expected and hmac.compare_digest((key or "").encode(), expected.encode()):
        await refuse_disabled(request, name)
    else:
        if fault := register.key_fault(name, key or "", now=machine_now()):
            await audit.refused(running, request, source=name, why=fault)
            raise HTTPException(401, NOT_ADMITTED)
        request.state.source_key = keys.id_of(key or "")
    _hold_to_rate(name, register.sources.get(name))
    return None


ADMITTED = [Depends(admit)]


async def current(request: Request) -> Register:
    """Return the register, at most FRESH_S old; while the database does not answer, as it was before."""
    state = request.app.state
    read_at, register = getattr(state, "register", None) or (-math.inf, None)
    if register is None or monotonic_s() - read_at > FRESH_S:
        try:
            async with state.running.engine.connect() as connection:
                register = await store.read(connection)
        except Exception as error:
            if register is None or not is_transient(error):
                raise
            log.warning("register_not_read", error=told(error))  # the stream takes feeds while the database is away
        state.register = (monotonic_s(), register)
    found: Register = register
    return found


async def refuse_disabled(request: Request, name: str) -> None:
    """Refuse what the installation sends in the name of a disabled source."""
    if not (await current(request)).may_speak(name):
        await audit.refused(request.app.state.running, request, source=name, why="source_disabled")
        raise HTTPException(403, f"the source {name} is disabled: `dondoc source enable {name}` lets it speak again")


async def take_body(request: Request, *, limit: int, in_lines: bool = False) -> bytes:
    """Return the body of a feed's call, unpacked, its signature looked at and its size paid for.

    limit: bytes, as sent and unpacked. in_lines: each line is a message. raises: HTTPException - as `read_raw` and
    `unpacked`; 401 where the source must sign and has not.
    """
    raw = await read_raw(request, limit=limit)
    name = request.path_params["source"]
    source = (await current(request)).sources.get(name)
    key_id = getattr(request.state, "source_key", None)
    if key_id and source and source.signed:
        await _hold_to_signature(request, name, key_id, raw)
    body = unpacked(request, raw, limit=limit)
    marks = (*OBJECT_MARKS, b"\n") if in_lines else OBJECT_MARKS
    amounts = max(1, *map(body.count, marks)), len(body)
    for buckets, amount, per_minute in zip((OBJECTS, BYTES), amounts, _rates(source), strict=True):
        buckets.pay(name, amount, per_minute=per_minute, at_s=monotonic_s())
    return body


async def _hold_to_signature(request: Request, name: str, key_id: str, raw: bytes) -> None:
    if not (master := SETTINGS.signing_key.get_secret_value()):
        log.error("signing_key_missing", source=name)
        raise HTTPException(503, "signatures cannot be checked now: DONDOC_INTAKE_SIGNING_KEY is not set")
    secret = keys.signing_secret(master, key_id)
    given = request.headers.get(keys.SIGNATURE_HEADER, "")
    if fault := keys.signature_fault(given, secret, raw, now_s=machine_now().timestamp()):
        await audit.refused(request.app.state.running, request, source=name, why=fault)
        raise HTTPException(401, f"sign the call in the header {keys.SIGNATURE_HEADER}; is the clock right?")


def _hold_to_rate(name: str, source: Source | None) -> None:
    now_s = monotonic_s()
    rates = zip((OBJECTS, BYTES), _rates(source), strict=True)
    wait_s = max(buckets.wait_s(name, per_minute=per_minute, at_s=now_s) for buckets, per_minute in rates)
    if wait_s:
        after = {"Retry-After": str(math.ceil(wait_s))}
        raise HTTPException(429, "this source sends more than it may; send the rest later", after)


def _rates(source: Source | None) -> tuple[int, int]:
    """Return objects and bytes a minute that a source may send."""
    own = (source.objects_per_minute, source.bytes_per_minute) if source else (None, None)
    usual = SETTINGS.source_objects_per_minute, SETTINGS.source_bytes_per_minute
    return (usual[0] if own[0] is None else own[0], usual[1] if own[1] is None else own[1])
