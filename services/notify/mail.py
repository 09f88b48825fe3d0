"""A stored notice as a mail. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr, parseaddr


@dataclass(frozen=True, slots=True)
class Claimed:
    """A stored notice claimed for sending. attempts: this one counted. lease: under which its end is noted.

    traces: of what it tells.
    """

    id: str
    recipient: str
    subject: str
    text_body: str
    html_body: str
    stored_at: datetime
    attempts: int
    lease: str
    traces: Sequence[str] = ()


def compose(notice: Claimed, *, sender: str, domain: str) -> Message:
    """Return the mail; its Message-ID is the notice's, so that a second copy can be known as one.

    The older classes of the standard library are used on purpose: `EmailMessage` of Python 3.11 loses a space
    where it folds a heading between two encoded words, and "còn quá" arrives as "cònquá".
    raises: ValueError - an address that no mail can carry.
    """
    if not notice.recipient.isprintable():
        raise ValueError("the recipient's address holds control characters")
    message = MIMEMultipart("alternative", policy=compat32)
    name, address = parseaddr(sender)
    message["From"] = formataddr((name, address), "utf-8")
    message["To"] = notice.recipient
    message["Subject"] = Header(notice.subject, "utf-8", header_name="Subject").encode()
    message["Date"] = format_datetime(notice.stored_at)
    message["Message-ID"] = f"<{notice.id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.attach(MIMEText(notice.text_body, "plain", "utf-8"))
    message.attach(MIMEText(notice.html_body, "html", "utf-8"))
    return message
