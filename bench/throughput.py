"""From FEED message to due date stored and announced: how many events a second, and where the time goes.

An event is one dossier object or one progress step. FEED is filled first; then intake and deadline are started, and the
rate is taken between the first and the last message of DEADLINE, by the server's own time stamps.
"""

from __future__ import annotations

import asyncio
import statistics
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import asyncpg
import orjson
from nats.aio.client import Client

from bench.ground import Ground, client, processes, processor_seconds, servers
from shared import bus
from shared.cloudevents import Outgoing
from shared.db import migrate
from shared.streams import STREAMS, StreamName

SERVICES = {"intake": ["services.intake.main"], "deadline": ["services.deadline.main"]}
START = datetime.fromisoformat("2027-03-01T08:00:00+07:00")
WORDS = ("UBND xã Mường Lát", "UBND phường Hạc Thành", "Sở Xây dựng", "Sở Tư pháp")


@dataclass(frozen=True)
class Result:
    """One run. parts: microseconds of processor time an event, by process."""

    events: int
    seconds: float
    redelivered: int
    parts: Mapping[str, float]

    @property
    def rate(self) -> float:
        return self.events / self.seconds


def code(number: int) -> str:
    return f"000.00.{number % 90 + 10:02d}.H56-270301-{number:07d}"


def _compact(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S")


def snapshot(number: int, **more: str) -> dict[str, object]:
    accepted = START + timedelta(seconds=number % 28_000)
    return {
        "MaHoSo": code(number), "MaTTHC": "1.012753", "TenTTHC": "Đăng ký đất đai lần đầu", "MaLinhVuc": "G15-DD",
        "TenLinhVuc": "Đất đai", "SoBienNhan": "", "ChuHoSo": f"Công dân {number:07d}", "LoaiDoiTuong": "1",
        "Email": "", "SoDienThoai": "0900000000", "TrichYeuHoSo": "Đăng ký đất đai lần đầu",
        "NgayTiepNhan": _compact(accepted), "NgayHenTra": _compact(accepted + timedelta(days=23)),
        "TrangThaiHoSo": "2", "NgayTra": "", "ThongTinTra": "", "HinhThuc": "0", "NgayKetThucXuLy": "",
        "DonViXuLy": WORDS[number % len(WORDS)], "GhiChu": "", "KenhThucHien": "1",
        "TaiLieuNop": [{"TepDinhKemId": "1", "TenTepDinhKem": "don.pdf", "IsDeleted": "False"}],
        "DanhSachHoSoBoSung": [], "DanhSachGiayToKetQua": [], **more,
    }  # fmt: skip


def step(number: int) -> dict[str, object]:
    at = START + timedelta(days=1, seconds=number % 28_000)
    return {
        "MaHoSo": code(number), "NguoiXuLy": "Cán bộ 01", "ChucDanh": "Chuyên viên", "ThoiDiemXuLy": _compact(at),
        "PhongBanXuLy": "Phòng chuyên môn", "NoiDungXuLy": "Nghĩa vụ tài chính", "TrangThai": "6", "NgayBatDau": "",
        "NgayKetThucTheoQuyDinh": "",
    }  # fmt: skip


def new_dossiers(numbers: Iterable[int], size: int) -> Iterator[bytes]:
    return _messages("DongBoHoSoMC", (snapshot(number) for number in numbers), size)


def updates(numbers: Sequence[int], size: int) -> Iterator[bytes]:
    """Half steps that stop a dossier's clock, half snapshots that end one: each changes its obligation.

    Each step also begins a pause, an obligation of its own.
    """
    half = len(numbers) // 2
    yield from _messages("CapNhatTienDoHoSoMC", (step(number) for number in numbers[:half]), size)
    ended = _compact(START + timedelta(days=9))
    ends = (snapshot(number, TrangThaiHoSo="9", NgayKetThucXuLy=ended) for number in numbers[half:])
    yield from _messages("DongBoHoSoMC", ends, size)


def _messages(service: str, objects: Iterator[dict[str, object]], size: int) -> Iterator[bytes]:
    while data := list(islice(objects, size)):
        yield orjson.dumps({"session": "", "madonvi": "000.00.12.H56", "service": service, "isUpdating": "False",
                            "data": data})  # fmt: skip


async def fill(connection: Client, messages: Iterable[bytes]) -> None:
    """Put messages into FEED as a source would, in atomic batches."""
    batch: list[Outgoing] = []
    for body in messages:
        batch.append(Outgoing(uuid.uuid4().hex, "feed.motcua-1.national", body))
        if len(batch) == 1000 or sum(len(m.body) for m in batch[-50:]) > 4 << 20:
            await bus.publish(connection, batch)
            batch = []
    if batch:
        await bus.publish(connection, batch)


async def _state(connection: Client, stream: StreamName) -> tuple[int, str, str]:
    """Return messages held, and the time stamps of the first and the last."""
    try:
        state = (await bus.api(connection, f"STREAM.INFO.{stream}"))["state"]
    except bus.JetStreamError:
        return 0, "", ""
    return state["messages"], state["first_ts"], state["last_ts"]


async def until_said(connection: Client, *, count: int, patience_s: float) -> None:
    """Wait until DEADLINE holds `count` messages."""
    async with asyncio.timeout(patience_s):
        while (await _state(connection, "DEADLINE"))[0] < count:
            await asyncio.sleep(0.1)


async def _redelivered(connection: Client, durables: Mapping[StreamName, str]) -> int:
    total = 0
    for stream, durable in durables.items():
        info = await bus.api(connection, f"CONSUMER.INFO.{stream}.{durable}")
        held = (await bus.api(connection, f"STREAM.INFO.{stream}"))["state"]["messages"]
        total += info["num_redelivered"] + max(0, info["delivered"]["consumer_seq"] - held)
    return total


async def _moment(connection: Client, *, nth: int) -> datetime:
    """Return when the `nth` message of DEADLINE was stored."""
    message = await connection.jetstream().get_msg("DEADLINE", nth)
    assert message.time
    return message.time


async def prepare(ground: Ground, connection: Client) -> None:
    for service in SERVICES:
        await asyncio.to_thread(migrate, service, ground.database_url(service))
    for name in ("FEED", "BACKFILL"):
        await bus.provision_stream(connection, STREAMS[name], max_bytes=4 << 30)


async def measure(
    ground: Ground, connection: Client, messages: Iterable[bytes], *, events: int, parts: int = 0,
    commands: Mapping[str, Sequence[str]] = SERVICES,
) -> Result:  # fmt: skip
    """Fill FEED, start the processes, wait until all is announced.

    parts: announcements besides one an event, of the first so many events.
    """
    before, *_ = await _state(connection, "DEADLINE")
    await fill(connection, messages)
    skipped = min(1000, events // 10)  # announcements of the first batches, while the processes are starting
    said, uncounted = events + parts, skipped // (2 if parts else 1)
    with processes(ground, commands) as running:
        pids = ground.pids | {name: process.pid for name, process in running.items()}
        await until_said(connection, count=before + skipped, patience_s=120)
        counted = (await _state(connection, "DEADLINE"))[0] - before
        spent = {name: processor_seconds(pid) for name, pid in pids.items()}
        await until_said(connection, count=before + said, patience_s=60 + events / 50)
        rest = events * (1 - counted / said)
        micros = {name: (processor_seconds(pid) - spent[name]) / rest * 1e6 for name, pid in pids.items()}
        redelivered = await _redelivered(connection, {"FEED": "intake", "INTAKE": "deadline"})
    since, until = await _moment(connection, nth=before + skipped), await _moment(connection, nth=before + said)
    return Result(events - uncounted, (until - since).total_seconds(), redelivered, micros)


async def verify(ground: Ground, *, obligations: int) -> None:
    """A rate counts only if every due date is there."""
    connection = await asyncpg.connect(ground.database_url("deadline"))
    try:
        stored = await connection.fetchval(
            "SELECT count(*) FROM deadline.obligation WHERE due_at IS NOT NULL AND parent IS NULL"
        )
    finally:
        await connection.close()
    if stored != obligations:
        raise SystemExit(f"wrong: {stored} due dates stored, {obligations} expected")


def run_new(*, events: int, size: int, commands: Mapping[str, Sequence[str]] = SERVICES, check: bool = True) -> Result:
    """Measure new dossiers on fresh servers. check: that every due date is there, else the rate does not count."""

    async def run() -> Result:
        async with client(ground) as connection:
            await prepare(ground, connection)
            result = await measure(
                ground, connection, new_dossiers(range(events), size), events=events, commands=commands
            )
        if check:
            await verify(ground, obligations=events)
        return result

    with servers() as ground:
        return asyncio.run(run())


def run_updates(*, preload: int, events: int, runs: int) -> dict[int, list[Result]]:
    """Load `preload` dossiers, then measure updates of scattered ones, `runs` times for 1 and 50 objects a message."""

    async def run() -> dict[int, list[Result]]:
        results: dict[int, list[Result]] = {1: [], 50: []}
        async with client(ground) as connection:
            await prepare(ground, connection)
            loaded = await measure(ground, connection, new_dossiers(range(preload), 50), events=preload)
            print(f"  loaded {preload:,} obligations at {loaded.rate:,.0f} events/s", flush=True)
            stride, used = 7919, 0  # prime: neighbours in a batch are scattered over the tables
            for _ in range(runs):
                for size, of_size in results.items():
                    numbers = [(used + i) * stride % preload for i in range(events)]
                    used += events
                    messages = updates(numbers, size)
                    of_size.append(await measure(ground, connection, messages, events=events, parts=events // 2))
        await verify(ground, obligations=preload)
        return results

    with servers() as ground:
        return asyncio.run(run())


def summary(name: str, results: Sequence[Result]) -> str:
    """Return one line: median, spread, redelivered, and microseconds of processor time an event by process."""
    rates = sorted(result.rate for result in results)
    parts = {part: statistics.median(result.parts[part] for result in results) for part in results[0].parts}
    spent = "  ".join(f"{part} {micros:.0f}" for part, micros in parts.items())
    return (
        f"{name:<44} {statistics.median(rates):>8,.0f} events/s  "
        f"({rates[0]:,.0f}–{rates[-1]:,.0f}, {len(rates)} runs), "
        f"redelivered {sum(r.redelivered for r in results)};  µs of processor an event: {spent}"
    )
