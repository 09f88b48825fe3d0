"""Reports on deliveries (RFC 3464) in the shapes of Postfix, Exim, Exchange and Gmail; the sentences are ours."""

from __future__ import annotations

from services.notify.receipts import tokens

KEY = "a key of this test"
DOMAIN = "dondoc.example.vn"
ID = "0a1b2c3d4e5f60718293a4b5"
RETURNED = "From: dondoc@example.vn\nTo: h56.12@example.vn\nSubject: x\n"


def ours(id: str = ID, *, proof: str | None = None) -> str:
    """Return the headers of a mail of ours as a report brings them back."""
    return f"{RETURNED}Message-ID: <{id}@{DOMAIN}>\n{tokens.PROOF}: {id} {proof or tokens.of_notice(KEY, id)}\n"


def report(
    *,
    head: str,
    server: str,
    recipient: str,
    returned: str,
    returned_as: str = "message/rfc822",
    said: str = "The mail could not be delivered.",
) -> bytes:
    """Return a multipart/report. recipient: the fields of the one recipient's block."""
    text = f"""{head.strip()}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b0undary/1"

This is a multi-part message in MIME format.

--b0undary/1
Content-Type: text/plain; charset=us-ascii

{said}

--b0undary/1
Content-Type: message/delivery-status

{server.strip()}

{recipient.strip()}

--b0undary/1
Content-Type: {returned_as}

{returned.strip()}

--b0undary/1--
"""
    return text.replace("\n", "\r\n").encode()


def postfix(
    id: str = ID, *, action: str = "failed", status: str = "5.1.1", to: str = "h56.12@example.vn", **more: str
) -> bytes:
    return report(
        head="From: MAILER-DAEMON@relay.example.vn (Mail Delivery System)\nSubject: Undelivered Mail\n"
        f"To: {more.get('came_to', 'dondoc@example.vn')}\nAuto-Submitted: auto-replied\n"
        "Date: Mon, 23 Nov 2026 07:31:00 +0700",
        server="Reporting-MTA: dns; relay.example.vn\nX-Postfix-Queue-ID: 4Xy\n"
        "Arrival-Date: Mon, 23 Nov 2026 07:30:01 +0700",
        recipient=f"Final-Recipient: rfc822; {to}\nOriginal-Recipient: rfc822;{to}\nAction: {action}\n"
        f"Status: {status}\nRemote-MTA: dns; mx.example.vn\nDiagnostic-Code: smtp; 550 {status} no such user here",
        returned=more.get("returned", ours(id)),
        returned_as=more.get("returned_as", "text/rfc822-headers"),
    )


def exim(id: str = ID, *, status: str = "5.0.0") -> bytes:
    return report(
        head="From: Mail Delivery System <Mailer-Daemon@relay.example.vn>\nTo: dondoc@example.vn\n"
        "Subject: delivery failed\nX-Failed-Recipients: h56.12@example.vn\nDate: Mon, 23 Nov 2026 07:32:00 +0700",
        server="Reporting-MTA: dns; relay.example.vn",
        recipient=f"Action: failed\nFinal-Recipient: rfc822;h56.12@example.vn\nStatus: {status}",
        returned=ours(id) + "\nthe body",
    )


def exchange(id: str = ID) -> bytes:
    """Exchange brings back headers that its own transport rewrote; ours outside the usual ones may be lost."""
    return report(
        head="From: postmaster@example.vn\nTo: dondoc@example.vn\nSubject: Undeliverable: x\n"
        f"In-Reply-To: <{id}@{DOMAIN}>\nReferences: <{id}@{DOMAIN}>\nDate: Mon, 23 Nov 2026 00:33:00 +0000",
        server="Reporting-MTA: dns;EX01.example.vn\nReceived-From-MTA: dns;relay.example.vn",
        recipient="Final-Recipient: rfc822;h56.12@example.vn\nAction: failed\nStatus: 5.1.10\n"
        "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found\nX-Display-Name: h56.12",
        returned=RETURNED + "Message-ID: <other@example.vn>\n",
    )


def gmail(id: str = ID) -> bytes:
    return report(
        head="From: Mail Delivery Subsystem <mailer-daemon@mail.example>\nTo: dondoc@example.vn\n"
        f"Auto-Submitted: auto-replied\nReferences: <{id}@{DOMAIN}>\nDate: Sun, 22 Nov 2026 16:34:00 -0800 (PST)",
        server="Reporting-MTA: dns; mail.example\nArrival-Date: Sun, 22 Nov 2026 16:33:59 -0800 (PST)",
        recipient="Final-Recipient: rfc822; h56.12@example.vn\nAction: failed\nStatus: 5.2.2\n"
        "Diagnostic-Code: smtp; 552-5.2.2 The mailbox is over quota.\n 552 5.2.2 ask its owner\n"
        "Last-Attempt-Date: Sun, 22 Nov 2026 16:34:00 -0800 (PST)",
        returned=ours(id) + "\nthe body",
    )


ABSENCE = b"""From: h56.12@example.vn\r
To: dondoc@example.vn\r
Subject: Tu dong tra loi\r
Auto-Submitted: auto-replied\r
In-Reply-To: <0a1b2c3d4e5f60718293a4b5@dondoc.example.vn>\r
Content-Type: text/plain\r
\r
Away until Friday.\r
"""

READ_RECEIPT = postfix().replace(b"report-type=delivery-status", b"report-type=disposition-notification")
