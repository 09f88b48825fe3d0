"""Providers that behave as badly as real ones, in this process, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.servers import free_port

Manner = Literal["well", "slow", "4xx", "5xx", "garbage", "drops", "takes_and_drops", "hangs", "busy", "mute"]
MESSAGE_ID = re.compile(rb"^Message-ID: <([^@>]+)@", re.M | re.I)
SLOW_S = 0.3


@dataclass
class Relay:
    """An SMTP server. taken: the id of each mail it took, whether it said so or not. lines: connections it saw.

    manners: how it is with the next mails to an address, in place of `manner`. refused: addresses it knows not.
    answers: while it is not set, what was taken has no answer.
    """

    port: int = 0
    manner: Manner = "well"
    manners: dict[str, list[Manner]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    taken: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    lines: int = 0
    most: int = 0
    open: int = 0
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.answers.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines += 1
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(words: str) -> None:
            writer.write(f"{words}\r\n".encode())
            await writer.drain()

        if self.manner == "drops":
            return
        if self.manner == "mute":
            await asyncio.sleep(60)
        to = ""
        await say("220 here" if self.manner != "garbage" else "\x00\x01 what?")
        while line := await reader.readline():
            word = line[:4].upper().strip()
            if word == b"DATA":
                await say("354 go on")
                body = await reader.readuntil(b"\r\n.\r\n")
                if not await self._took(body, say, to):
                    return
            elif word == b"QUIT":
                await say("221 bye")
                return
            elif word == b"RCPT" and _address(line) in self.refused:
                await say("550 5.1.1 no such user")
            else:
                to = _address(line) if word == b"RCPT" else to
                if word == b"MAIL":
                    self.senders.append(_address(line))
                await say("250 yes")

    async def _took(self, body: bytes, say: object, to: str) -> bool:
        """Take a mail, or not; returns whether the talk goes on."""
        assert callable(say)
        found = MESSAGE_ID.search(body)
        assert found
        manner = self.manners[to].pop(0) if self.manners.get(to) else self.manner
        if manner in ("4xx", "5xx"):
            await say("451 later" if manner == "4xx" else "554 never")
            return True
        if manner == "slow":
            await asyncio.sleep(SLOW_S)
        self.taken.append(found[1].decode())
        if manner == "hangs":
            await asyncio.sleep(60)
        if manner == "takes_and_drops":
            return False
        await self.answers.wait()
        await say("250 taken")
        return True


def _address(line: bytes) -> str:
    return line.decode().partition("<")[2].partition(">")[0]


@contextlib.asynccontextmanager
async def relay(manner: Manner = "well", *, port: int = 0) -> AsyncIterator[Relay]:
    """Run a relay on a port of its own, or the given one."""
    made = Relay(manner=manner)
    server = await asyncio.start_server(made.serve, "127.0.0.1", port)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


@contextlib.contextmanager
def refusing_relay() -> Iterator[int]:
    """Run a mail relay that takes no log-in; gives its port."""
    port = free_port()

    def refused(*_: Any) -> AuthResult:
        return AuthResult(success=False, handled=False)

    controller = Controller(object(), hostname="127.0.0.1", port=port, authenticator=refused, auth_require_tls=False)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@dataclass
class Http:
    """An HTTP server that gives `answer` (status line and headers, then a body) to each call. asked: what came."""

    port: int = 0
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    asked: list[tuple[str, bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = re.search(rb"content-length: (\d+)", head, re.I)
                body = await reader.readexactly(int(length[1])) if length else b""
                self.asked.append((head.decode(), body))
                if not self.answer:
                    break
                writer.write(self.answer)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def http_server() -> AsyncIterator[Http]:
    made = Http()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
