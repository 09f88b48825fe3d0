"""Mails that report on the delivery of our mails (RFC 3464), as relays and mail systems write them. Pure.

Whatever comes is somebody else's text: it is read within bounds, and what is no report is said to be none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import parsedate_to_datetime
from itertools import islice

from services.notify.receipts.states import Receipt
from services.notify.receipts.tokens import LENGTH, PROOF

LARGEST = 1 << 20  # bytes that are looked at: the report comes before the returned mail
YEARS = range(2000, 2100)
PARTS, RECIPIENTS = 50, 20  # that are looked at
ACTIONS: Mapping[str, Receipt] = {
    "failed": "failed",
    "delayed": "pending",
    "delivered": "delivered",
    "relayed": "unknown",  # handed to a system that will not tell
    "expanded": "unknown",
}
CLASSES: Mapping[str, Receipt] = {"2": "delivered", "4": "pending", "5": "failed"}
# RFC 3463: the address or its domain does not exist, or moved without a trace; RFC 7505: the domain takes no mail
NO_SUCH_ADDRESS = frozenset(("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"))

_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_HEADER = re.compile(rf"\s*({_ID})\s+([0-9a-f]{{{LENGTH}}})\s*")
_RETURN_PATH = re.compile(rf"\+({_ID})(?:=([0-9a-f]{{{LENGTH}}}))?@")
_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a report says of one recipient of one of our mails.

    proof: that the mail was ours, "" where the report brought none back. status: RFC 3463. recipients: the addresses
    that it speaks of, as it writes them.
    """

    notice_id: str
    proof: str
    state: Receipt
    status: str
    recipients: tuple[str, ...]
    said_at: datetime | None

    @property
    def no_such_address(self) -> bool:
        return self.state == "failed" and self.status in NO_SUCH_ADDRESS


def read(raw: bytes, *, domain: str) -> list[Bounce]:
    """Return what a mail reports of ours; empty for any other mail: an answer, an absence note, a read receipt, junk.

    domain: of our Message-IDs.
    """
    try:
        mail = BytesParser(policy=compat32).parsebytes(raw[:LARGEST])
        if str(mail.get_param("report-type") or "delivery-status").lower() != "delivery-status":
            return []
        parts = list(islice(mail.walk(), PARTS))
        report = next((part for part in parts if part.get_content_type() == "message/delivery-status"), None)
        blocks = report.get_payload() if report else None
        if not isinstance(blocks, list):
            return []
        found = _notice(mail, parts, domain)
        if found is None:
            return []
        recipients = islice((one for one in blocks if isinstance(one, Message) and _speaks(one)), RECIPIENTS)
        return [_bounce(*found, one, said_at=_time(mail["Date"])) for one in recipients]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):  # of the standard library's parser
        return []


def _speaks(block: Message) -> bool:
    return bool(block["Action"] or block["Status"])


def _bounce(id: str, proof: str, block: Message, *, said_at: datetime | None) -> Bounce:
    matched = _STATUS.match(str(block["Status"] or ""))
    status = matched[1] if matched else ""
    action = str(block["Action"] or "").split()[:1]
    state = ACTIONS.get(action[0].lower()) if action else None
    return Bounce(
        notice_id=id,
        proof=proof,
        state=state or CLASSES.get(status[:1], "unknown"),
        status=status,
        recipients=tuple(_addresses(block)),
        said_at=_time(block["Last-Attempt-Date"]) or said_at,
    )


def _addresses(block: Message) -> Iterator[str]:
    for name in ("Original-Recipient", "Final-Recipient"):
        _, separator, address = str(block[name] or "").partition(";")
        if separator and address.strip():
            yield address.strip().strip("<>")


def _notice(mail: Message, parts: list[Message], domain: str) -> tuple[str, str] | None:
    """Return the notice that was reported on and the proof that it was ours.

    By our own header in what was returned, by the return path the report was sent to, else by the Message-ID, which
    stands in the returned headers or in what the report answers.
    """
    message_id = re.compile(rf"<({_ID})@{re.escape(domain)}>", re.IGNORECASE)
    returned = [head for part in parts for head in _returned(part)]
    for head in returned:
        if matched := _HEADER.fullmatch(str(head[PROOF] or "")):
            return matched[1], matched[2]
    for name in ("To", "Delivered-To", "X-Original-To", "Envelope-To"):
        for value in mail.get_all(name, []):
            if matched := _RETURN_PATH.search(str(value)):
                return matched[1], matched[2] or ""
    texts = [*(head["Message-ID"] for head in returned), mail["In-Reply-To"], mail["References"]]
    return next(((matched[1], "") for text in texts if (matched := message_id.search(str(text or "")))), None)


def _returned(part: Message) -> Iterator[Message]:
    """Yield the headers of the mail that a part brings back, whole or its headers alone."""
    payload = part.get_payload()
    if part.get_content_type() == "message/rfc822" and isinstance(payload, list):
        yield from (one for one in payload if isinstance(one, Message))
    elif part.get_content_type() in ("text/rfc822-headers", "message/global-headers"):
        raw = part.get_payload(decode=True)
        if isinstance(raw, bytes):
            yield BytesParser(policy=compat32).parsebytes(raw, headersonly=True)


def _time(value: object) -> datetime | None:
    """Return an instant that a mail names; None for none, or one without its zone."""
    try:
        at = parsedate_to_datetime(str(value)) if value else None
    except (ValueError, TypeError, OverflowError):
        return None
    return at if at and at.tzinfo and at.year in YEARS else None
