"""The e-mail channel: hands stored notices to a relay, many over one connection, and judges its answers."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, field
from email.message import Message

import aiosmtplib

from services.notify.receipts.bounces import NO_SUCH_ADDRESS
from services.notify.sending.mail import Claimed, Identity, compose, deliverable
from services.notify.sending.outcomes import GiveUp, Outcome, Sent, TryLater
from services.notify.sending.providers import Smtp
from shared.clock import monotonic_s

PERMANENT = range(500, 600)
LOGIN_WANTED = (530, 535, 538)  # RFC 4954: it is we who are refused, not the mail
BUSY = (421, 452)  # the relay's own trouble: shutting down, no room
WHOLE_S = 100  # of one sending, all answers of the relay together; less than the lease it is done under
IDLE_S = 20  # relays hang up on who says nothing, Postfix after 100 s
NEEDS_UTF8 = "SMTPUTF8"


class NotAsciiError(Exception):
    """The relay takes no address in other than ASCII letters."""


@dataclass(slots=True)
class _Line:
    """A connection to the relay. handed: the body of a mail has gone out and no answer has come."""

    client: aiosmtplib.SMTP
    used_at: float
    mails: int = 0
    handed: bool = False


@dataclass
class Relay:
    """One relay, and the connections to it that wait for their next mail."""

    provider: Smtp
    identity: Identity
    password: str = ""
    _idle: list[_Line] = field(default_factory=list)
    _trust: ssl.SSLContext | None = None

    async def send(self, notice: Claimed) -> Outcome:
        """Hand one mail over. What is wrong with our own settings is worth trying again once they are mended."""
        try:
            mail = compose(
                notice,
                sender=self.identity.sender,
                domain=self.identity.domain,
                proof=self.identity.proof(notice.id),
            )
            to = deliverable(notice.recipient)
        except ValueError as error:
            return GiveUp(f"not a mail: {error}")
        line: _Line | None = None
        try:
            async with asyncio.timeout(WHOLE_S):
                line = await self._begin(self.identity.comes_back_to(notice.id), to)
                return await self._hand(line, mail, to)
        except NotAsciiError as error:
            return GiveUp(str(error.__doc__))
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            return TryLater(_short(error), unsure=bool(line and line.handed))
        finally:
            self._put_back(line)

    async def _begin(self, sender: str, to: str) -> _Line:
        """Return a line on which the relay has taken the sender. One that it hung up on meanwhile is let go."""
        options = [] if to.isascii() else [NEEDS_UTF8]
        while line := self._waiting():
            try:
                await line.client.mail(sender, options=options)
            except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError):
                line.client.close()
            except BaseException:
                line.client.close()
                raise
            else:
                return line
        line = _Line(await self._connect(), monotonic_s())
        try:
            if options and not line.client.supports_extension(NEEDS_UTF8):
                raise NotAsciiError
            await line.client.mail(sender, options=options)
        except BaseException:
            line.client.close()
            raise
        return line

    def _waiting(self) -> _Line | None:
        while self._idle:
            line = self._idle.pop()
            if line.client.is_connected and monotonic_s() - line.used_at < IDLE_S:
                return line
            line.client.close()
        return None

    async def _connect(self) -> aiosmtplib.SMTP:
        to = self.provider
        client = aiosmtplib.SMTP(
            hostname=to.host,
            port=to.port,
            timeout=to.timeout_s,
            use_tls=to.tls == "tls",
            start_tls=to.tls == "starttls",
            tls_context=self._trusted() if to.tls != "none" else None,
            username=to.login.user if to.login else None,
            password=self.password if to.login else None,
        )
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                with contextlib.suppress(aiosmtplib.SMTPHeloError):  # one that knows HELO alone
                    await client.ehlo()
        except BaseException:
            client.close()
            raise
        return client

    def _trusted(self) -> ssl.SSLContext:
        self._trust = self._trust or ssl.create_default_context(cafile=self.provider.ca_file)
        return self._trust

    async def _hand(self, line: _Line, mail: Message, to: str) -> Outcome:
        client = line.client
        try:
            await client.rcpt(to, encoding="utf-8")
        except aiosmtplib.SMTPRecipientRefused as error:
            return await self._refused(line, error, at_recipient=True)
        line.handed = True
        try:
            await client.data(mail.as_bytes(policy=mail.policy.clone(linesep="\r\n")))
        except aiosmtplib.SMTPDataError as error:
            line.handed = False
            return await self._refused(line, error, at_recipient=False)
        line.handed = False
        line.mails += 1
        line.used_at = monotonic_s()
        return Sent()

    async def _refused(self, line: _Line, error: aiosmtplib.SMTPResponseException, *, at_recipient: bool) -> Outcome:
        """Judge a refusal, and make the line ready for the next mail."""
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await line.client.rset()
        line.used_at = monotonic_s()
        ours = error.code in LOGIN_WANTED or (at_recipient and error.message.startswith("5.7."))
        if error.code in PERMANENT and not ours:
            status = error.message.split(maxsplit=1)[0] if at_recipient and error.message.split() else ""
            return GiveUp(_short(error), no_such_address=status in NO_SUCH_ADDRESS)
        return TryLater(_short(error), of_notice=at_recipient and not ours and error.code not in BUSY)

    def _put_back(self, line: _Line | None) -> None:
        """Keep a line for the next mail, where it is in order and has not had its share."""
        if line is None:
            return
        if line.client.is_connected and not line.handed and line.mails < self.provider.mails:
            self._idle.append(line)
        else:
            line.client.close()

    async def close(self) -> None:
        """Take leave of the relay on every line that waits."""
        while self._idle:
            client = self._idle.pop().client
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=1)
            client.close()


def _short(error: Exception) -> str:
    """Return a reason without the address that some relays repeat."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"relay answered {error.code}"
    return type(error).__name__
