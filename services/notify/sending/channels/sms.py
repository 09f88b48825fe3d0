"""SMS over HTTP: hands stored notices to a gateway, and judges whether a retry can help."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx

from services.notify.addressing import numbers
from services.notify.sending import gateways
from services.notify.sending.channels import calling
from services.notify.sending.channels.calling import Caller
from services.notify.sending.gateways import Gateway
from services.notify.sending.mail import Claimed, Identity
from services.notify.sending.outcomes import GiveUp, Outcome, TryLater
from services.notify.sending.providers import Http

WHOLE_S = 100  # of one sending; less than the lease it is done under


@dataclass
class HttpGateway:
    """One gateway that is called over HTTP."""

    provider: Http
    identity: Identity
    password: str = ""

    def __post_init__(self) -> None:
        self._caller = Caller(self.provider)

    async def send(self, notice: Claimed) -> Outcome:
        """Hand one SMS over. What is wrong with our own settings is worth trying again once they are mended."""
        to = numbers.number(notice.recipient)
        if to is None:
            return GiveUp("the number is no Vietnamese one", no_such_address=True)
        try:
            gateway = gateways.load(self.provider.gateway)
            async with asyncio.timeout(WHOLE_S):
                return await self._call(gateway, notice, to=to)
        except (gateways.GatewayError, httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            return TryLater(type(error).__name__, unsure=calling.may_have_arrived(error))

    async def _call(self, gateway: Gateway, notice: Claimed, *, to: str) -> Outcome:
        values = self._values(notice, to)
        login = gateways.filled(gateway.login, values)
        receipts = gateway.receipts if values["callback"] else None
        query = {**gateway.query, **(receipts.query if receipts else {})}
        document = {**(gateway.json_body or {}), **(receipts.json_body if receipts else {})} or None
        url = httpx.URL(self.provider.address).copy_merge_params(gateways.filled(query, values))
        async with self._caller.client().stream(
            gateway.method,
            url,
            json=gateways.filled(document, values),
            auth=tuple(login) if login else None,
        ) as answer:
            body = await calling.beginning(answer, gateways.LONGEST_ANSWER)
        return gateways.judged(
            gateway.answers, status=answer.status_code, body=body, retry_after_s=calling.retry_after_s(answer)
        )

    def _values(self, notice: Claimed, to: str) -> dict[str, str]:
        return {
            "user": self.provider.login.user if self.provider.login else "",
            "password": self.password,
            "sender": self.provider.sender,
            "to": to,
            "to_local": "0" + to.removeprefix("84"),
            "text": notice.text_body,
            "id": notice.id,
            "callback": self.identity.callback(self.provider.name, notice.id),
        }

    async def close(self) -> None:
        await self._caller.close()
