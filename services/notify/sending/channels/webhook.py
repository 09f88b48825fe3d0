"""The webhook channel: says to a program of the province what was stored, signed; no personal data, no text."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from dataclasses import dataclass

import httpx

from services.notify.sending.channels import calling
from services.notify.sending.channels.calling import Caller
from services.notify.sending.mail import Claimed
from services.notify.sending.outcomes import GiveUp, Outcome, Sent, TryLater
from services.notify.sending.providers import Webhook
from shared.clock import machine_now

WHOLE_S = 100  # of one sending; less than the lease it is done under
SIGNATURE, ID = "X-Dondoc-Signature", "X-Dondoc-Notice"
NEVER = (400, 410, 413, 422)  # of what it was told, nothing can be mended
UNSURE = (502, 504)


@dataclass
class Hook:
    """One address that is told."""

    provider: Webhook
    secret: str

    def __post_init__(self) -> None:
        self._caller = Caller(self.provider)

    async def send(self, notice: Claimed) -> Outcome:
        """Post the stored body, the same at every try; the time in the signature is that of this one."""
        body = notice.text_body.encode()
        at = int(machine_now().timestamp())
        headers = {
            "Content-Type": "application/json",
            ID: notice.id,
            SIGNATURE: f"t={at},v1={signature(self.secret, at=at, body=body)}",
        }
        try:
            async with (
                asyncio.timeout(WHOLE_S),
                self._caller.client().stream("POST", self.provider.url, content=body, headers=headers) as answer,
            ):
                return _judged(answer.status_code, calling.retry_after_s(answer))
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            return TryLater(type(error).__name__, unsure=calling.may_have_arrived(error))

    async def close(self) -> None:
        await self._caller.close()


def signature(secret: str, *, at: int, body: bytes) -> str:
    """Return HMAC-SHA256, in hexadecimal, of the time in seconds since 1970, a point, and the body."""
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def _judged(status: int, after_s: int | None) -> Outcome:
    if 200 <= status < 300:
        return Sent()
    said = f"webhook answered HTTP {status}"
    return GiveUp(said) if status in NEVER else TryLater(said, after_s, unsure=status in UNSURE)
