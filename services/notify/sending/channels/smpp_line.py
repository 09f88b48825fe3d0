"""A bound line to a message centre over SMPP 3.4: questions matched with answers, receipts acknowledged once kept."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from struct import Struct

from aiosmpplib.protocol import BindTransceiver, DeliverSm, EnquireLink, PduHeader, SmppMessage, Unbind
from aiosmpplib.state import SmppCommand, SmppCommandStatus

from services.notify.sending.providers import Smpp
from shared.logs import log, told

HEAD = Struct("!IIII")  # length, command, status, sequence number
LONGEST = 65_536  # bytes of one message; who says more is no message centre
ANSWER = 0x8000_0000  # this bit tells an answer from a question
BYE_S = 1
OK, SYSTEM_ERROR, COMMAND_UNKNOWN, TRY_AGAIN = 0x00, 0x08, 0x03, 0x64

Hear = Callable[[DeliverSm], Awaitable[None]]


class LineLostError(OSError):
    """The line to the message centre was lost before it answered."""


class NotBoundError(OSError):
    """The message centre refuses our log-in."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the centre says to a question. status: 0 is yes. body: behind the head."""

    status: int
    body: bytes

    @property
    def word(self) -> str:
        """The text that the body begins with."""
        return self.body.partition(b"\0")[0].decode("ascii", "replace")


@dataclass
class Line:
    """An open line. hear: is given each receipt; what it raises makes the centre say it again later."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    answer_s: float
    hear: Hear
    _asked: dict[int, asyncio.Future[Answer]] = field(default_factory=dict)
    _sequence: int = 0
    _jobs: list[asyncio.Task[None]] = field(default_factory=list)
    up: bool = True

    async def ask(self, question: SmppMessage) -> Answer:
        """Return the answer. raises: LineLostError, TimeoutError."""
        if not self.up:
            raise LineLostError
        self._sequence = self._sequence % 0x7FFF_FFFF + 1
        question.sequence_num = number = self._sequence
        self._asked[number] = waits = asyncio.get_running_loop().create_future()
        try:
            self.writer.write(question.pdu())
            async with asyncio.timeout(self.answer_s):
                await self.writer.drain()
                answer: Answer = await waits
                return answer
        finally:
            self._asked.pop(number, None)

    async def read(self) -> None:
        """Take what the centre says until the line is lost."""
        try:
            while True:
                head = await self.reader.readexactly(HEAD.size)
                length, command, status, number = HEAD.unpack(head)
                if not HEAD.size <= length <= LONGEST:
                    raise LineLostError
                body = await self.reader.readexactly(length - HEAD.size)
                if command & ANSWER:
                    waits = self._asked.get(number)
                    if waits and not waits.done():
                        waits.set_result(Answer(status, body))
                else:
                    await self._answer(command, number, head + body)
        except (OSError, asyncio.IncompleteReadError) as error:
            log.info("smpp_line_lost", error=told(error))
        finally:
            self.hang_up()

    async def _answer(self, command: int, number: int, pdu: bytes) -> None:
        """Answer a question of the centre's."""
        said, tail = OK, b""
        if command == SmppCommand.DELIVER_SM:
            said, tail = await self._deliver(number, pdu), b"\0"
        elif command not in (SmppCommand.ENQUIRE_LINK, SmppCommand.UNBIND):
            said = COMMAND_UNKNOWN
        self.writer.write(HEAD.pack(HEAD.size + len(tail), command | ANSWER, said, number) + tail)
        await self.writer.drain()
        if command == SmppCommand.UNBIND:
            raise LineLostError

    async def _deliver(self, number: int, pdu: bytes) -> int:
        """Hand a receipt over; returns what to answer. One that cannot be read is let go, it would come for ever."""
        header = PduHeader(len(pdu), SmppCommand.DELIVER_SM, SmppCommandStatus.ESME_ROK, number)
        try:
            said = DeliverSm.from_pdu(pdu, header, "latin-1")
        except Exception as error:  # whatever a parser raises over bytes from outside
            log.warning("smpp_message_unreadable", error=type(error).__name__)
            return OK
        try:
            await self.hear(said)
        except Exception as error:
            log.warning("receipt_not_kept", error=told(error))
            return TRY_AGAIN
        return OK

    async def stay_alive(self, *, every_s: float) -> None:
        """Ask whether the centre is there, for as long as it answers."""
        try:
            while self.up:
                await asyncio.sleep(every_s)
                await self.ask(EnquireLink())
        except (OSError, TimeoutError):
            pass
        finally:
            self.hang_up()

    def start(self, *, every_s: float) -> None:
        self._jobs.append(asyncio.create_task(self.read()))
        self._jobs.append(asyncio.create_task(self.stay_alive(every_s=every_s)))

    def hang_up(self) -> None:
        """Close the line; whoever waits for an answer learns that none will come."""
        self.up = False
        self.writer.close()
        for job in self._jobs:
            if job is not asyncio.current_task():
                job.cancel()
        for waits in self._asked.values():
            if not waits.done():
                waits.set_exception(LineLostError())

    async def lost(self) -> None:
        """Return once the line is lost."""
        await asyncio.wait(self._jobs)

    async def close(self) -> None:
        """Take leave and close."""
        if self.up:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(BYE_S):
                    await self.ask(Unbind())
        self.hang_up()
        await asyncio.gather(*self._jobs, return_exceptions=True)


async def bind(to: Smpp, *, password: str, hear: Hear) -> Line:
    """Open a line and log in.

    raises: NotBoundError, OSError, TimeoutError, ValueError - a login that SMPP cannot carry.
    """
    question = BindTransceiver(system_id=to.login.user, password=password, system_type=to.system_type)
    trust = ssl.create_default_context(cafile=to.ca_file) if to.tls == "tls" else None
    async with asyncio.timeout(to.timeout_s):
        reader, writer = await asyncio.open_connection(to.host, to.port, ssl=trust)
    line = Line(reader, writer, to.timeout_s, hear)
    line.start(every_s=to.enquire_s)
    try:
        answer = await line.ask(question)
        if answer.status:
            line.hang_up()
            raise NotBoundError(f"status {answer.status}")
    except BaseException:
        await line.close()
        raise
    return line
