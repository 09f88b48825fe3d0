"""A mail server that keeps what it is given as files and passes nothing on to anybody."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

HOST = "127.0.0.1"
NEWEST = 200  # kept in memory; the files keep all


@dataclass(frozen=True, slots=True)
class Mail:
    """What is shown of a mail. number: from 1, in order of arrival."""

    number: int
    to: str
    subject: str
    message_id: str
    file: Path


@dataclass
class Mailbox:
    """What arrived."""

    folder: Path
    port: int = 0
    count: int = 0
    newest: deque[Mail] = field(default_factory=lambda: deque(maxlen=NEWEST))

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Keep a mail; the answer goes to the sender."""
        content: bytes = envelope.original_content or envelope.content
        message = message_from_bytes(content, policy=policy.default)
        self.count += 1
        to = ", ".join(envelope.rcpt_tos)
        name = re.sub(r"[^\w.@-]", "_", envelope.rcpt_tos[0])[:80]
        file = self.folder / f"{self.count:05}-{name}.eml"
        file.write_bytes(content)
        self.newest.append(Mail(self.count, to, str(message["Subject"] or ""), str(message["Message-ID"] or ""), file))
        return "250 kept"


@contextlib.asynccontextmanager
async def mailbox(folder: Path, *, host: str = HOST, port: int = 0) -> AsyncIterator[Mailbox]:
    """Receive mail into an existing folder until the block ends. port: 0 takes a free one."""
    box = Mailbox(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, hostname="demo", enable_SMTPUTF8=True), host, port)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
