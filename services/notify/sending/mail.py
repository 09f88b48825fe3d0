"""A stored notice as a mail. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr, parseaddr

from services.notify.receipts import tokens
from shared.events import NoticeChannel


@dataclass(frozen=True, slots=True)
class Claimed:
    """A stored notice claimed for sending. attempts: this one counted. lease: under which its end is noted.

    traces: of what it tells. provider: who was handed it last, waited_s: how long ago. unsure: that one may have it.
    """

    id: str
    channel: NoticeChannel
    recipient: str
    subject: str
    text_body: str
    html_body: str
    stored_at: datetime
    attempts: int
    lease: str
    traces: Sequence[str] = ()
    provider: str = ""
    unsure: bool = False
    waited_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Identity:
    """Under what name notices leave. bounces: an address that failures come back to, "" is the sender's own.

    receipts_url: of notify, as gateways reach it to say what became of a message, "" is not. key: of our proofs.
    """

    sender: str
    domain: str
    bounces: str = ""
    receipts_url: str = ""
    key: str = field(default="", repr=False)

    def proof(self, notice_id: str) -> str:
        """Return what proves that a notice is ours to whom a report brings it back."""
        return tokens.of_notice(self.key, notice_id)

    def callback(self, provider: str, notice_id: str) -> str:
        """Return where a gateway says what became of a notice, empty where it cannot reach us."""
        proof = self.proof(notice_id)
        return f"{self.receipts_url}/v1/receipts/{provider}/{proof}" if self.receipts_url and proof else ""

    def comes_back_to(self, notice_id: str) -> str:
        """Return the envelope's sender; where failures have an address of their own, it names the notice, proven."""
        if not self.bounces:
            return parseaddr(self.sender)[1]
        name, _, domain = self.bounces.rpartition("@")
        proof = self.proof(notice_id)
        return f"{name}+{notice_id}{'=' if proof else ''}{proof}@{domain}"


def compose(notice: Claimed, *, sender: str, domain: str, proof: str = "") -> Message:
    """Return the mail; its Message-ID is the notice's, so that a second copy can be known as one.

    The older classes of the standard library are used on purpose: `EmailMessage` of Python 3.11 loses a space
    where it folds a heading between two encoded words, and "còn quá" arrives as "cònquá".
    proof: that the notice is ours, which a bounce brings back.
    raises: ValueError - an address that no mail can carry.
    """
    recipient = deliverable(notice.recipient)
    message = MIMEMultipart("alternative", policy=compat32)
    name, address = parseaddr(sender)
    message["From"] = formataddr((name, address), "utf-8")
    message["To"] = recipient
    message["Subject"] = Header(notice.subject, "utf-8", header_name="Subject").encode()
    message["Date"] = format_datetime(notice.stored_at)
    message["Message-ID"] = f"<{notice.id}@{domain}>"
    if proof:
        message[tokens.PROOF] = f"{notice.id} {proof}"
    message["Auto-Submitted"] = "auto-generated"
    message.attach(MIMEText(notice.text_body, "plain", "utf-8"))
    message.attach(MIMEText(notice.html_body, "html", "utf-8"))
    return message


def deliverable(address: str) -> str:
    """Return an address as relays take it: a domain in other letters as its ASCII form.

    raises: ValueError - an address that no mail can carry.
    """
    if not address.isprintable():
        raise ValueError("the recipient's address holds control characters")
    name, at, domain = address.strip().rpartition("@")
    if not (name and at and domain) or " " in address.strip():
        raise ValueError("the recipient's address is none")
    try:
        return f"{name}@{domain if domain.isascii() else domain.encode('idna').decode()}"
    except UnicodeError:
        raise ValueError("the recipient's domain is none") from None
