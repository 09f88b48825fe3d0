"""One POST and its answer, for both sides: bounded in time and size, every failure told by what helps."""

from __future__ import annotations

from typing import Any

import httpx
import orjson

from dondoc.bridge.errors import NotNowError, RefusedError
from shared.clock import monotonic_s

ANSWER_AT_MOST = 32 << 20  # bytes; a page of dossiers is far smaller
ANSWER_WITHIN_S = 600.0  # the whole of it, however slowly it trickles in
LONGEST_WAIT_S = 600.0


def post(client: httpx.Client, url: str, content: bytes, *, who: str) -> tuple[int, bytes, float]:
    """Return status, body and the wait that Retry-After asks for.

    raises: NotNowError - no answer, half an answer, an endless one, or one of 408, 429, 5xx. RefusedError - its
        certificate is not trusted.
    """
    until = monotonic_s() + ANSWER_WITHIN_S
    try:
        with client.stream("POST", url, content=content, headers={"Content-Type": "application/json"}) as answer:
            wait_s = _wait_s(answer.headers.get("Retry-After", ""))
            if answer.status_code in (408, 429) or answer.status_code >= 500:
                raise NotNowError(f"{who} answers {answer.status_code}", after_s=wait_s)
            body = bytearray()
            for part in answer.iter_bytes():
                body += part
                if len(body) > ANSWER_AT_MOST or monotonic_s() > until:
                    raise NotNowError(f"{who} answers endlessly, or with more than {ANSWER_AT_MOST} bytes")
            return answer.status_code, bytes(body), wait_s
    except (httpx.TransportError, httpx.DecodingError) as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise RefusedError(f"the certificate of {who} is not trusted; see ca_file") from None
        raise NotNowError(f"{who} does not answer, or not to the end ({type(error).__name__})") from None


def _wait_s(header: str) -> float:
    return min(float(header), LONGEST_WAIT_S) if header.isascii() and header.isdigit() else 0.0


def parsed(body: bytes, *, who: str) -> dict[str, Any]:
    """Return an answer's object. raises: NotNowError - it is none, perhaps for it was cut off."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise NotNowError(f"{who} answers with what is no JSON object, or half of one")
    return document
