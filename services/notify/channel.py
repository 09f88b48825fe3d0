"""The e-mail channel: hands a stored notice to the relay, and judges whether a retry can help."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import aiosmtplib

from services.notify.mail import Claimed, compose
from services.notify.settings import NotifySettings

PERMANENT = range(500, 600)
WHOLE_S = 100  # of one sending, all answers of the relay together; less than the lease it is done under


@dataclass(frozen=True, slots=True)
class Sent:
    """The relay took the mail; from here it answers for it."""


@dataclass(frozen=True, slots=True)
class TryLater:
    """The relay, or the way to it, failed; the mail itself may be good."""

    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The relay will never take this mail."""

    reason: str


Outcome = Sent | TryLater | GiveUp


async def send(notice: Claimed, settings: NotifySettings) -> Outcome:
    """Hand one mail to the relay. What is wrong with our own settings is worth trying again once they are mended."""
    try:
        message = compose(notice, sender=settings.sender, domain=settings.message_id_domain)
    except ValueError as error:
        return GiveUp(f"not a mail: {error}")
    password = settings.smtp_password.get_secret_value()
    try:
        async with asyncio.timeout(WHOLE_S):
            await aiosmtplib.send(
                message,
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_username or None,
                password=password if settings.smtp_username else None,
                start_tls=settings.smtp_starttls,
                timeout=settings.smtp_timeout_s,
            )
    except aiosmtplib.SMTPRecipientsRefused as error:
        return _judged(error.recipients[0])
    except (aiosmtplib.SMTPDataError, aiosmtplib.SMTPRecipientRefused) as error:
        return _judged(error)
    except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
        return TryLater(_short(error))
    return Sent()


def _judged(error: aiosmtplib.SMTPResponseException) -> Outcome:
    return GiveUp(_short(error)) if error.code in PERMANENT else TryLater(_short(error))


def _short(error: Exception) -> str:
    """Return a reason without the address that some relays repeat."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"relay answered {error.code}"
    return type(error).__name__
