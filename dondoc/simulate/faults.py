"""What is wrong with the data of a whole province: each fault is a dossier's own, in all that is said of it.

Which dossier has which is drawn by its number, so nothing need be remembered.
"""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

from dondoc.simulate.national import Message, Thing
from dondoc.simulate.province import PROVINCE

FAULTS = (
    "lost",  # its number is missing in the unit's sequence of the day
    "mirror_only",  # on the portal, and not in the one-stop system
    "no_due_date",
    "no_acceptance",  # completed, and never received
    "out_of_hours",  # received at the counter in the evening
)
MIRRORED = 0.98  # share of the dossiers of which the portal, too, tells in the mirror's file; the rest it never got
MIRROR_AGENCY = f"000.00.00.{PROVINCE}"
ENDED = ("9", "10")


def fault_of(code: str, *, seed: int, share: float) -> str:
    """Return a dossier's fault, "" for most. share: 0..1 of all dossiers."""
    drawn = crc32(f"{seed}/fault/{code}".encode()) / 2**32
    return FAULTS[int(drawn / share * len(FAULTS))] if drawn < share else ""


def _mirrored(code: str, *, seed: int) -> bool:
    return crc32(f"{seed}/mirror/{code}".encode()) / 2**32 < MIRRORED


def troubled(message: Message, *, seed: int, share: float) -> tuple[Message | None, Message | None]:
    """Return what the one-stop system sends in place of a message, and what the portal itself tells, if anything."""
    own, mirror = list[Thing](), list[Thing]()
    for thing in _things(message):
        code = str(thing["MaHoSo"])
        fault = fault_of(code, seed=seed, share=share) if code else ""
        if fault == "mirror_only" or (not fault and code and _mirrored(code, seed=seed)):
            mirror.append(thing)
        if fault not in ("lost", "mirror_only") and (changed := _changed(thing, fault)):
            own.append(changed)
    return _with(message, own), _with({**message, "madonvi": MIRROR_AGENCY}, mirror)


def _things(message: Message) -> Iterator[Thing]:
    data = message["data"]
    assert isinstance(data, list)
    yield from data


def _with(message: Message, data: list[Thing]) -> Message | None:
    return {**message, "data": data} if data else None


def _changed(thing: Thing, fault: str) -> Thing | None:
    is_snapshot = "TrangThaiHoSo" in thing
    if fault == "no_acceptance":
        if is_snapshot and thing["TrangThaiHoSo"] in ENDED:
            return {**thing, "NgayTiepNhan": ""}
        return None
    if fault == "no_due_date" and is_snapshot:
        return {**thing, "NgayHenTra": "", "DanhSachHoSoBoSung": []}
    at_counter = thing.get("KenhThucHien") == "1"
    if fault == "out_of_hours" and at_counter and (accepted := str(thing["NgayTiepNhan"])):
        return {**thing, "NgayTiepNhan": f"{accepted[:8]}21{accepted[10:]}"}
    return thing
