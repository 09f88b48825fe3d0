"""The mailbox of the compose stack keeps what a relay would pass on, and shows it to people and to tests."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx

from dondoc.demo.catcher import application
from dondoc.demo.mailbox import mailbox


def mail(to: str, subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "dondoc@example.vn", to, subject
    message.set_content("2 hồ sơ quá hạn")
    message.add_alternative("<p>2 hồ sơ <b>quá hạn</b></p>", subtype="html")
    return message


async def test_a_mail_is_listed_shown_and_kept_as_it_came(tmp_path: Path) -> None:
    async with mailbox(tmp_path) as box:
        for number in (1, 2):
            sent = mail(f"head{number}@example.vn", f"Đôn đốc <{number}>")
            await aiosmtplib.send(sent, hostname="127.0.0.1", port=box.port, start_tls=False)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application(box)), base_url="http://box") as http:
            listed = (await http.get("/v1/mails")).json()
            assert listed["count"] == 2
            assert [(one["number"], one["to"], one["subject"]) for one in listed["newest"]] == [
                (1, "head1@example.vn", "Đôn đốc <1>"),
                (2, "head2@example.vn", "Đôn đốc <2>"),
            ]
            page = (await http.get("/")).text
            assert page.index("Đôn đốc &lt;2&gt;") < page.index("Đôn đốc &lt;1&gt;")
            shown = await http.get("/mails/2")
            assert "<b>quá hạn</b>" in shown.text
            assert shown.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
            assert (await http.get("/v1/mails/2")).content.startswith(b"From: dondoc@example.vn")
            assert (await http.get("/v1/mails/3")).status_code == 404
