"""Citizens who file at a fixed rate whatever the answers take, each from an address of their own; light, one process.

`python -m bench.feedback_sender PORT FILE RATE SECONDS KILOBYTES` writes what became of each filing, a line each.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import random
import sys
from collections import deque
from pathlib import Path
from typing import IO, NamedTuple, cast

import orjson
import uvloop

from dondoc.stack import layout
from shared.clock import monotonic_s

TEXTS = Path(__file__).parent / "data" / "feedback.csv"
ADDRESSES, MOST = 200, 400  # connections from the first on, and at most: complaints takes 500
BOUNDARY = "5d9c4a0b1f"
PATIENCE_S = 60.0
FILLER = 8192  # different beginnings of what fills the files
JPEG, PDF = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01", b"%PDF-1.7\n"


class Outcome(NamedTuple):
    """number: of the filing. status: 0 = no answer came. took_ms: from when it was to be sent."""

    number: int
    status: int
    code: str
    took_ms: float


def texts() -> list[str]:
    with TEXTS.open(encoding="utf-8", newline="") as lines:
        found = [row["text"] for row in csv.DictReader(lines)]
    random.Random(20_008).shuffle(found)
    return found


def filling(kilobytes: int) -> bytes:
    return random.Random(7).randbytes((kilobytes << 10) + FILLER)


def content(number: int, filler: bytes) -> bytes:
    """Return the file of a filing: every second a photograph, the others documents."""
    begin, middle = (JPEG, b"\xff\xd9") if number % 2 else (PDF, b"\n%%EOF\n")
    at = number * 7919 % FILLER
    return begin + b"%08d" % number + filler[at : len(filler) - FILLER + at] + middle


def digest(number: int, filler: bytes) -> str:
    return hashlib.sha256(content(number, filler)).hexdigest()


def filing(number: int, of: list[str]) -> dict[str, object]:
    """Return what is written: some name a unit, a dossier, themselves, or want to be hidden."""
    told: dict[str, object] = {"text": f"{of[number % len(of)]} (Lần {number})"}
    if number % 3 == 0:
        told["unit"] = f"UBND xã số {number % 50}"
    if number % 4 == 0:
        told["dossier"] = f"000.00.{number % 50:03}.H56-261110-{number % 3000:06}"
    if number % 5 < 3:
        told |= {"name": f"Công dân {number:06}", "contact": "0900 000 000", "hide_identity": number % 10 == 0}
    return told


def request(number: int, of: list[str], filler: bytes) -> list[bytes]:
    """Return a whole request, in parts."""
    name = f"anh-{number}.jpg" if number % 2 else f"don-{number}.pdf"
    begin = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="filing"\r\nContent-Type: application/json\r\n\r\n'
    ).encode() + orjson.dumps(filing(number, of))
    begin += (
        f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    file, end = content(number, filler), f"\r\n--{BOUNDARY}--\r\n".encode()
    head = (
        f"POST /v1/complaints HTTP/1.1\r\nHost: {layout.HOST}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
        f"Content-Length: {len(begin) + len(file) + len(end)}\r\n\r\n"
    )
    return [head.encode(), begin, file, end]


class _Line(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self, free: deque[_Line]) -> None:
        self._free, self._answer = free, bytearray()
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.is_open = cast(asyncio.Transport, transport), True

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, gap, body = bytes(self._answer).partition(b"\r\n\r\n")
        if not gap:
            return
        fields = head.lower().split(b"\r\n")
        length = next(int(field.split(b":")[1]) for field in fields if field.startswith(b"content-length:"))
        if len(body) >= length and self._waiting and not self._waiting.done():
            self.is_open = b"connection: close" not in fields
            self._answer.clear()
            self._waiting.set_result((int(fields[0].split()[1]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._waiting and not self._waiting.done():
            self._waiting.set_result((0, b""))

    async def send(self, parts: list[bytes]) -> tuple[int, bytes]:
        assert self._transport
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.writelines(parts)
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._waiting
        except TimeoutError:
            self._transport.close()
            return 0, b""


class Crowd:
    """All who file."""

    def __init__(self, port: int, told: IO[bytes], *, kilobytes: int) -> None:
        self._port, self._told = port, told
        self._texts, self._filler = texts(), filling(kilobytes)
        self._free: deque[_Line] = deque()
        self._lines = 0
        self._places = asyncio.Semaphore(MOST)

    async def _open(self) -> _Line:
        number = self._lines = self._lines + 1
        own = f"127.0.{1 + number // 250 % 250}.{1 + number % 250}"
        _, line = await asyncio.get_running_loop().create_connection(
            lambda: _Line(self._free), layout.HOST, self._port, local_addr=(own, 0)
        )
        return line

    async def gather(self) -> None:
        self._free.extend([await self._open() for _ in range(ADDRESSES)])

    async def _line(self) -> _Line:
        while self._free:
            line = self._free.popleft()
            if line.is_open:
                return line
        return await self._open()

    async def file(self, number: int, at_s: float) -> None:
        """File once, at its time. at_s: of `monotonic_s`."""
        parts = request(number, self._texts, self._filler)
        async with self._places:
            try:
                line = await self._line()
                status, body = await line.send(parts)
            except OSError:
                status, body = 0, b""
            else:
                if line.is_open:
                    self._free.append(line)
        took_ms = (monotonic_s() - at_s) * 1000
        if status != 201:
            print(
                number, status, body, self._lines, len(self._free), file=sys.stderr
            )  # into the log beside the outcomes
        code = orjson.loads(body)["code"] if status == 201 else ""
        self._told.write(orjson.dumps(tuple(Outcome(number, status, code, round(took_ms, 2)))) + b"\n")


async def file_all(port: int, told: IO[bytes], *, rate: float, seconds: float, kilobytes: int) -> None:
    crowd, filings = Crowd(port, told, kilobytes=kilobytes), set[asyncio.Task[None]]()
    await crowd.gather()
    began_s = monotonic_s()
    for number in range(round(rate * seconds)):
        at_s = began_s + number / rate
        if (left_s := at_s - monotonic_s()) > 0:
            await asyncio.sleep(left_s)
        task = asyncio.create_task(crowd.file(number, at_s))
        filings.add(task)
        task.add_done_callback(filings.discard)
    await asyncio.gather(*filings)


def outcomes(file: Path) -> list[Outcome]:
    return [Outcome(*orjson.loads(line)) for line in file.read_bytes().splitlines()]


def main(port: str, file: str, rate: str, seconds: str, kilobytes: str) -> None:
    with Path(file).open("wb") as told:
        uvloop.run(file_all(int(port), told, rate=float(rate), seconds=float(seconds), kilobytes=int(kilobytes)))


if __name__ == "__main__":
    main(*sys.argv[1:])
