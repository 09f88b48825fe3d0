"""The mail relays, and beside them all other providers: can a notice leave the house. Sends nothing."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from email.utils import parseaddr

import aiosmtplib
from pydantic import ValidationError

from dondoc.doctor import certificates, sms
from dondoc.doctor.findings import Finding, left_out, ok, warning, wrong
from dondoc.doctor.place import Place
from services.notify.sending import ways
from services.notify.sending.providers import Provider, ProviderError, Smtp
from services.notify.settings import NotifySettings
from shared.clock import machine_now

ANSWER_S = 5  # the whole talk; relays make whoever gives a wrong password wait
EXAMPLE = "example.vn"
NOTHING_LEAVES = "nothing is sent in mode record: notices are computed, stored and shown"


async def examine(place: Place) -> list[Finding]:
    """Talk with each relay as notify does, up to the log-in, and look whether the other providers are there."""
    if not place.knows("notify"):
        to_do = "ask in its container: `… exec notify dondoc doctor`"
        return [left_out(check, "notify's settings are not here", to_do) for check in ("mail", "sms")]
    try:
        settings = NotifySettings()
    except ValidationError:
        return [left_out(check, "notify's settings cannot be read, see above") for check in ("mail", "sms")]
    try:
        known = ways.named(settings)
    except ProviderError as error:
        to_do = f"correct {sms.place(settings, 'SMS_GATEWAY')}: notify does not start so"
        return [*judge_settings(settings, ()), wrong("providers", "; ".join(str(error).splitlines()), to_do)]
    found = judge_settings(settings, known)
    if settings.send == "record" and not settings.model_fields_set & {"smtp_host", "providers"}:
        found.append(left_out("mail relay", "none is set, and none is needed in mode record"))
    else:
        relays = [one for one in known if isinstance(one, Smtp)]
        if not relays:
            found.append(wrong("mail relay", "the file of providers names none", "add one: every notice has a mail"))
        asked = await asyncio.gather(*(ask_relay(relay, settings) for relay in relays))
        found += [_milder(one, settings) for findings in asked for one in findings]
    return [*found, *await sms.examine(settings, known)]


def judge_settings(settings: NotifySettings, known: Sequence[Provider]) -> list[Finding]:
    """Return what the settings let out of the house."""
    if settings.send == "record":
        return [ok("mail", NOTHING_LEAVES)]
    problems = []
    if parseaddr(settings.sender)[1].endswith(EXAMPLE):
        said = f"mails would come from {settings.sender}, which is an example"
        problems.append(wrong("mail", said, "set DONDOC_NOTIFY_SENDER and DONDOC_NOTIFY_MESSAGE_ID_DOMAIN"))
    if settings.send == "allowlist" and not settings.allowlist.strip():
        problems.append(warning("mail", "the allow-list is empty: nobody gets a notice", "set DONDOC_NOTIFY_ALLOWLIST"))
    for relay in known:
        if isinstance(relay, Smtp) and relay.login and relay.tls == "none" and not relay.host.startswith("127."):
            said = f"the password of {relay.name} crosses the network in clear"
            to_do = "say `tls: starttls` of it" if settings.providers else "set DONDOC_NOTIFY_SMTP_STARTTLS=true"
            problems.append(warning("mail", said, to_do))
    return problems or [ok("mail", f"mode {settings.send}, from {settings.sender}")]


def _milder(finding: Finding, settings: NotifySettings) -> Finding:
    """What keeps mails from leaving is no fault yet while nothing is to leave."""
    if settings.send != "record" or finding.state != "wrong":
        return finding
    return warning(finding.check, finding.said, finding.to_do)


async def ask_relay(to: Smtp, settings: NotifySettings) -> list[Finding]:
    """Connect, greet, encrypt and log in where that is configured, and leave."""
    whom = f"{to.host}:{to.port}"
    try:
        password = ways.secret_of(to, settings)
        trust = ssl.create_default_context(cafile=to.ca_file)
    except ProviderError as error:
        return [wrong("mail relay", str(error), "set it: notify does not start without")]
    except OSError as error:
        return [wrong("mail relay", f"{whom}: its ca_file cannot be read ({type(error).__name__})", "correct ca_file")]
    relay = aiosmtplib.SMTP(
        hostname=to.host, port=to.port, timeout=ANSWER_S, start_tls=False, use_tls=to.tls == "tls", tls_context=trust
    )
    try:
        async with asyncio.timeout(ANSWER_S):
            return await _talk(relay, to, password, whom)
    except aiosmtplib.SMTPAuthenticationError as error:
        to_do = f"correct {sms.place(settings, 'SMTP_USERNAME')} and its password"
        return [wrong("mail relay", f"{whom} refuses the log-in ({error.code})", to_do)]
    except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
        to_do = f"look at {sms.place(settings, 'SMTP_HOST and _PORT')}, and whether a firewall is between"
        return [wrong("mail relay", f"{whom} cannot be talked with ({_why(error)})", to_do)]
    finally:
        relay.close()


async def _talk(relay: aiosmtplib.SMTP, to: Smtp, password: str, whom: str) -> list[Finding]:
    await relay.connect()
    await relay.ehlo()
    found = []
    if to.tls == "starttls":
        if not relay.supports_extension("starttls"):
            to_do = "use its port for submission (587), or do without STARTTLS"
            return [wrong("mail relay", f"{whom} does not offer STARTTLS, and notify refuses to send without", to_do)]
        await relay.starttls()
    if to.tls != "none":
        found = certificates.judge(f"the relay {whom}", relay.get_transport_info("peercert") or {}, now=machine_now())
    if to.login:
        await relay.login(to.login.user, password)
    await relay.quit()
    done = [
        word
        for word, so in (({"starttls": "STARTTLS"}.get(to.tls, "TLS"), to.tls != "none"), ("log-in", to.login))
        if so
    ]
    return [
        ok("mail relay", f"{whom} answers{'; ' if done else ''}{' and '.join(done)}{' work' if done else ''}"),
        *found,
    ]


def _why(error: Exception) -> str:
    """Return the kind of failure, and in a certificate's case what is wrong with it."""
    while error.__cause__ is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
    return getattr(error, "verify_message", None) or type(error).__name__
