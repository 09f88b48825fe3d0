"""A mail relay that passes nothing on: it takes mail over SMTP and shows it over HTTP, for people and for tests."""

from __future__ import annotations

import signal
import socket
import sys
from email import message_from_bytes, policy
from html import escape
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException, Response
from fastapi.responses import HTMLResponse

from dondoc.demo.mailbox import Mail, Mailbox, mailbox
from dondoc.stack.errors import StackError

# A mail is somebody else's page: it runs nothing and fetches nothing.
SEALED = {"Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'"}
PAGE = """<!doctype html><html lang="vi"><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<title>Hộp thư thử</title><body style="font-family: sans-serif">
<h1>Hộp thư thử</h1><p>{count} thư đã nhận, không thư nào được gửi đi. Mới nhất ở trên.</p>
<table cellpadding="6"><tr><th>Người nhận<th>Tiêu đề<th></tr>{rows}</table>"""
ROW = '<tr><td>{to}<td><a href="/mails/{number}">{subject}</a><td><a href="/v1/mails/{number}">.eml</a>'


async def catch(*, folder: Path, host: str, port: int, http_port: int) -> None:
    """Catch mails until SIGTERM or SIGINT. folder: an existing one, where each is kept as a file.

    raises: StackError - a port is taken.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # raised once more when the server has ended: leave tidily
    try:
        async with mailbox(folder, host=host, port=port) as box:
            with socket.create_server((host, http_port)) as listening:
                config = uvicorn.Config(application(box), log_config=None, access_log=False, lifespan="off")
                await uvicorn.Server(config).serve([listening])
    except OSError as error:
        raise StackError(f"cannot listen on {host}: {error.strerror}; choose another --port or --http-port") from None


def application(box: Mailbox) -> FastAPI:
    """Return the HTTP side: a page, the newest mails as JSON, each mail as HTML and as it came."""
    app = FastAPI(title="Đôn đốc – mailbox", docs_url=None, redoc_url=None)

    @app.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    @app.get("/", response_class=HTMLResponse)
    async def page() -> str:
        shown = ({**told(mail), "subject": mail.subject or "(không tiêu đề)"} for mail in reversed(box.newest))
        rows = (ROW.format_map({name: escape(str(value)) for name, value in mail.items()}) for mail in shown)
        return PAGE.format(count=box.count, rows="".join(rows))

    @app.get("/v1/mails")
    async def mails() -> dict[str, Any]:
        return {"count": box.count, "newest": [told(mail) for mail in box.newest]}

    @app.get("/v1/mails/{number}")
    async def as_it_came(number: int) -> Response:
        return Response(find(box, number).file.read_bytes(), media_type="message/rfc822")

    @app.get("/mails/{number}")
    async def as_shown(number: int) -> Response:
        message = message_from_bytes(find(box, number).file.read_bytes(), policy=policy.default)
        body = message.get_body(("html", "plain"))
        if body is None:
            raise HTTPException(404, "this mail has no text; see it as it came")
        return Response(body.get_content(), media_type=body.get_content_type(), headers=SEALED)

    return app


def told(mail: Mail) -> dict[str, Any]:
    return {"number": mail.number, "to": mail.to, "subject": mail.subject, "message_id": mail.message_id}


def find(box: Mailbox, number: int) -> Mail:
    for mail in box.newest:
        if mail.number == number:
            return mail
    raise HTTPException(404, "no such mail among the newest")
