"""The clocks: this machine's against the servers', and against the world's; the time zone."""

from __future__ import annotations

import asyncio
import ctypes
import os
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dondoc.doctor.findings import Finding, left_out, ok, warning, wrong
from dondoc.doctor.place import Place
from shared.clock import machine_now

UNEVEN, APART = timedelta(seconds=2), timedelta(seconds=30)  # lateness is judged to the second, slots to minutes
ZONE, ZONE_OFFSET = "Asia/Ho_Chi_Minh", timedelta(hours=7)
UNSYNCHRONISED_US = 16_000_000  # the kernel's largest error, which it reports when nothing corrects its clock


class _Timex(ctypes.Structure):
    """`struct timex` of adjtimex(2) on 64-bit Linux, as far as it is read; the rest is room for the kernel."""

    _fields_ = (
        ("modes", ctypes.c_int),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("rest", ctypes.c_long * 40),
    )


async def examine(_: Place) -> list[Finding]:
    """Look at this machine's clock and time zones; the servers' clocks are compared where the servers are asked."""
    return [*judge_synchronisation(await asyncio.to_thread(largest_error_us)), *check_zone()]


def largest_error_us() -> int | None:
    """Return how far the kernel's clock may be off, in microseconds; None where it does not say (some containers)."""
    asked = _Timex(modes=0)  # 0: read only
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "adjtimex") or libc.adjtimex(ctypes.byref(asked)) < 0:
        return None
    return int(asked.maxerror)


def judge_synchronisation(error_us: int | None) -> list[Finding]:
    if error_us is None:
        return [left_out("clock", "this machine does not say whether its clock is synchronised")]
    if error_us >= UNSYNCHRONISED_US:
        to_do = "turn it on: `timedatectl set-ntp true`, or install chrony"
        return [warning("clock", "the clock of this machine is not synchronised by NTP", to_do)]
    return [ok("clock", f"synchronised, off by {error_us / 1e6:.3f} s at most")]


def judge_offset(server: str, offset: timedelta) -> list[Finding]:
    """Return what the difference of a server's clock from this machine's means."""
    check, apart = f"clock of {server}", abs(offset)
    way = "ahead of" if offset > timedelta(0) else "behind"
    said = f"{apart.total_seconds():.1f} s {way} this machine's"
    to_do = "synchronise both machines by NTP: due times and acknowledgements are judged to the second"
    if apart > APART:
        return [wrong(check, said, to_do)]
    return [warning(check, said, to_do)] if apart > UNEVEN else [ok(check, f"{said} at most")]


def check_zone() -> list[Finding]:
    """Look for the province's time zone."""
    to_do = "install tzdata, from Debian or by `uv sync`"
    try:
        offset = machine_now().astimezone(ZoneInfo(ZONE)).utcoffset()
    except (ZoneInfoNotFoundError, OSError) as error:
        return [wrong("time zone", f"no data of {ZONE}: {type(error).__name__}", to_do)]
    if offset != ZONE_OFFSET:
        return [
            wrong(
                "time zone",
                f"{ZONE} is {offset} from UTC here, and must be +7 h",
                f"{to_do} ({os.environ.get('PYTHONTZPATH', '')})",
            )
        ]
    return [ok("time zone", f"{ZONE} is known")]
