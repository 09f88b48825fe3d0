"""Calls over HTTP, as the channels make them: one client a provider, no redirects, of an answer its beginning."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import httpx

from services.notify.sending.providers import Http, Webhook

# the call has not begun, or cannot
SURELY_NOT_ARRIVED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass
class Caller:
    """The connections to one provider."""

    provider: Http | Webhook
    _client: httpx.AsyncClient | None = None

    def client(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=self.provider.timeout_s,
                follow_redirects=False,
                verify=ssl.create_default_context(cafile=self.provider.ca_file) if self.provider.ca_file else True,
                limits=httpx.Limits(max_connections=self.provider.connections, keepalive_expiry=20),
            )
        return self._client

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None


async def beginning(answer: httpx.Response, longest: int) -> bytes:
    """Return the first bytes of an answer that is being read."""
    body = b""
    async for part in answer.aiter_bytes():
        body += part
        if len(body) >= longest:
            break
    return body


def retry_after_s(answer: httpx.Response) -> int | None:
    """Return the seconds that a provider asks us to wait; dates are not looked into."""
    after = answer.headers.get("Retry-After", "")
    return int(after) if after.isascii() and after.isdigit() and len(after) < 6 else None


def may_have_arrived(error: Exception) -> bool:
    """Return whether the provider may have taken what a failed call carried."""
    return isinstance(error, httpx.HTTPError | TimeoutError) and not isinstance(error, SURELY_NOT_ARRIVED)
