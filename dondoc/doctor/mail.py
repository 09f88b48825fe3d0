"""The mail relay and the SMS provider: can a notice leave the house. Sends nothing."""

from __future__ import annotations

import asyncio
from email.utils import parseaddr

import aiosmtplib
from pydantic import ValidationError

from dondoc.doctor import certificates
from dondoc.doctor.findings import Finding, left_out, ok, warning, wrong
from dondoc.doctor.place import Place
from services.notify.settings import NotifySettings
from shared.clock import machine_now

ANSWER_S = 5  # the whole talk; relays make whoever gives a wrong password wait
EXAMPLE = "example.vn"
NOTHING_LEAVES = "nothing is sent in mode record: notices are computed, stored and shown"


async def examine(place: Place) -> list[Finding]:
    """Talk with the relay as notify does, up to the log-in."""
    sms = left_out("sms", "no provider is configured: notices go by e-mail alone")
    if not place.knows("notify"):
        return [
            left_out("mail", "notify's settings are not here", "ask in its container: `… exec notify dondoc doctor`"),
            sms,
        ]
    try:
        settings = NotifySettings()
    except ValidationError:
        return [left_out("mail", "notify's settings cannot be read, see above"), sms]
    found = judge_settings(settings)
    if settings.send == "record" and "smtp_host" not in settings.model_fields_set:
        return [*found, left_out("mail relay", "none is set, and none is needed in mode record"), sms]
    return [*found, *(_milder(one, settings) for one in await ask_relay(settings)), sms]


def judge_settings(settings: NotifySettings) -> list[Finding]:
    """Return what the settings let out of the house."""
    if settings.send == "record":
        return [ok("mail", NOTHING_LEAVES)]
    problems = []
    if parseaddr(settings.sender)[1].endswith(EXAMPLE):
        said = f"mails would come from {settings.sender}, which is an example"
        problems.append(wrong("mail", said, "set DONDOC_NOTIFY_SENDER and DONDOC_NOTIFY_MESSAGE_ID_DOMAIN"))
    if settings.send == "allowlist" and not settings.allowlist.strip():
        problems.append(warning("mail", "the allow-list is empty: nobody gets mail", "set DONDOC_NOTIFY_ALLOWLIST"))
    if settings.smtp_username and not settings.smtp_starttls and not settings.smtp_host.startswith("127."):
        said = "the relay's password crosses the network in clear"
        problems.append(warning("mail", said, "set DONDOC_NOTIFY_SMTP_STARTTLS=true"))
    return problems or [ok("mail", f"mode {settings.send}, from {settings.sender}")]


def _milder(finding: Finding, settings: NotifySettings) -> Finding:
    """What keeps mails from leaving is no fault yet while nothing is to leave."""
    if settings.send != "record" or finding.state != "wrong":
        return finding
    return warning(finding.check, finding.said, finding.to_do)


async def ask_relay(settings: NotifySettings) -> list[Finding]:
    """Connect, greet, encrypt and log in where that is configured, and leave."""
    relay = aiosmtplib.SMTP(hostname=settings.smtp_host, port=settings.smtp_port, timeout=ANSWER_S, start_tls=False)
    whom = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        async with asyncio.timeout(ANSWER_S):
            return await _talk(relay, settings, whom)
    except aiosmtplib.SMTPAuthenticationError as error:
        to_do = "correct DONDOC_NOTIFY_SMTP_USERNAME and its password"
        return [wrong("mail relay", f"{whom} refuses the log-in ({error.code})", to_do)]
    except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
        to_do = "look at DONDOC_NOTIFY_SMTP_HOST and _PORT, and whether a firewall is between"
        return [wrong("mail relay", f"{whom} cannot be talked with ({_why(error)})", to_do)]
    finally:
        relay.close()


async def _talk(relay: aiosmtplib.SMTP, settings: NotifySettings, whom: str) -> list[Finding]:
    await relay.connect()
    await relay.ehlo()
    found = []
    if settings.smtp_starttls:
        if not relay.supports_extension("starttls"):
            to_do = "use its port for submission (587), or set DONDOC_NOTIFY_SMTP_STARTTLS=false"
            return [wrong("mail relay", f"{whom} does not offer STARTTLS, and notify refuses to send without", to_do)]
        await relay.starttls()
        found = certificates.judge(f"the relay {whom}", relay.get_transport_info("peercert") or {}, now=machine_now())
    if settings.smtp_username:
        await relay.login(settings.smtp_username, settings.smtp_password.get_secret_value())
    await relay.quit()
    done = [word for word, so in (("STARTTLS", settings.smtp_starttls), ("log-in", settings.smtp_username)) if so]
    return [
        ok("mail relay", f"{whom} answers{'; ' if done else ''}{' and '.join(done)}{' work' if done else ''}"),
        *found,
    ]


def _why(error: Exception) -> str:
    """Return the kind of failure, and in a certificate's case what is wrong with it."""
    while error.__cause__ is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
    return getattr(error, "verify_message", None) or type(error).__name__
