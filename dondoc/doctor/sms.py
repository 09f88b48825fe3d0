"""Gateways, message centres and webhooks: does their address answer. Sends nothing and shows no secret."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

from dondoc.doctor.findings import Finding, left_out, ok, warning, wrong
from services.notify.sending import ways
from services.notify.sending.providers import Http, Provider, ProviderError, Smpp, Smtp, Webhook
from services.notify.settings import NotifySettings

ANSWER_S = 5
PORTS = {"http": 80, "https": 443}


async def examine(settings: NotifySettings, known: Sequence[Provider]) -> list[Finding]:
    """Open a connection to each provider that is no mail relay; in mode record none is called upon."""
    others = [one for one in known if not isinstance(one, Smtp)]
    if not any(one.channel == "sms" for one in others):
        none = [left_out("sms", "no gateway is set: notices go by e-mail alone")]
    else:
        none = []
    found = await asyncio.gather(*(_look(one, settings) for one in others))
    return [*none, *(finding for findings in found for finding in findings)]


async def _look(provider: Provider, settings: NotifySettings) -> list[Finding]:
    if settings.send == "record":
        return [left_out(provider.channel, f"{provider.name}; nothing is sent in mode record")]
    host, port, secure = _address(provider)
    found = [await _reach(provider, host, port, settings)]
    found += _secret(provider, settings)
    if not secure and not host.startswith("127.") and host != "localhost":
        said = f"{provider.name}: passwords and what is said cross the network in clear"
        found.append(warning(provider.channel, said, f"give an address with TLS in {place(settings, 'SMS_URL')}"))
    return found


def _address(provider: Provider) -> tuple[str, int, bool]:
    """Return host, port and whether what is said there is encrypted."""
    if isinstance(provider, Smpp):
        return provider.host, provider.port, provider.tls == "tls"
    assert isinstance(provider, Http | Webhook)
    whom = urlsplit(provider.address if isinstance(provider, Http) else provider.url)
    return whom.hostname or "", whom.port or PORTS[whom.scheme], whom.scheme == "https"


def _secret(provider: Provider, settings: NotifySettings) -> list[Finding]:
    try:
        secret = ways.secret_of(provider, settings)
    except ProviderError as error:
        return [wrong(provider.channel, str(error), "set it: notify does not start without")]
    if secret or settings.providers:
        return []
    return [warning(provider.channel, "no password for the gateway is set", "set DONDOC_NOTIFY_SMS_PASSWORD")]


async def _reach(provider: Provider, host: str, port: int, settings: NotifySettings) -> Finding:
    whom = f"{provider.name} at {host}:{port}"
    try:
        async with asyncio.timeout(ANSWER_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError, ValueError) as error:
        to_do = f"look at {place(settings, 'SMS_URL')}, and whether a firewall is between"
        return wrong(provider.channel, f"{whom} cannot be reached ({type(error).__name__})", to_do)
    writer.close()
    return ok(provider.channel, f"{whom} can be reached; whether it takes our log-in only a notice shows")


def place(settings: NotifySettings, name: str) -> str:
    """Return where a provider is described: the file, or single settings."""
    return "the file of DONDOC_NOTIFY_PROVIDERS" if settings.providers else f"DONDOC_NOTIFY_{name}"
