"""A stored notice as a mail. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """A stored notice claimed for sending. attempts: this one counted. lease: under which its end is noted."""

    id: str
    recipient: str
    subject: str
    text_body: str
    html_body: str
    stored_at: datetime
    attempts: int
    lease: str


def compose(notice: Claimed, *, sender: str, domain: str) -> EmailMessage:
    """Return the mail; its Message-ID is the notice's, so that a second copy can be known as one.

    raises: ValueError - an address or a heading that no mail can carry.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = notice.recipient
    message["Subject"] = notice.subject
    message["Date"] = format_datetime(notice.stored_at)
    message["Message-ID"] = f"<{notice.id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notice.text_body)
    message.add_alternative(notice.html_body, subtype="html")
    return message
