"""A sealed file opens as a whole, from any place; frames that are moved, doubled, left out or cut off do not."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.complaints.secrecy.envelope import SealError
from services.complaints.secrecy.framing import FRAME, MARK, SEALED_FRAME, Opened, Sealing, new_key, sealed_size

SIZES = st.sampled_from([1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME, 3 * FRAME + 77])
KEY = new_key()


def sealed(content: bytes, *, step: int = 100_000) -> bytes:
    sealing = Sealing(KEY)
    parts = [sealing.add(content[at : at + step]) for at in range(0, len(content), step)]
    return MARK + b"".join(parts) + sealing.end()


def opened(blob: bytes, size: int) -> bytes:
    return io.BufferedReader(Opened(io.BytesIO(blob), KEY, size=size)).read()


def content(size: int) -> bytes:
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


@given(size=SIZES, step=st.sampled_from([1 << 16, FRAME, 1 << 20]))
def test_a_file_opens_as_it_was_however_it_came(size: int, step: int) -> None:
    blob = sealed(content(size), step=step)
    assert len(blob) == sealed_size(size)
    assert opened(blob, size) == content(size)


@given(size=SIZES, at=st.integers(0, 4 * FRAME), length=st.integers(0, 2 * FRAME))
def test_any_place_of_it_can_be_read(size: int, at: int, length: int) -> None:
    reader = io.BufferedReader(Opened(io.BytesIO(sealed(content(size))), KEY, size=size))
    reader.seek(at)
    assert reader.read(length) == content(size)[at : at + length]


def frames(blob: bytes) -> list[bytes]:
    body = blob[len(MARK) :]
    return [body[at : at + SEALED_FRAME] for at in range(0, len(body), SEALED_FRAME)]


@pytest.mark.parametrize(
    "order", [[1, 0, 2], [0, 0, 2], [0, 2], [0, 1], [0, 1, 2, 2], [2]], ids=lambda order: str(order)
)
def test_frames_are_neither_moved_doubled_nor_left_out(order: list[int]) -> None:
    size = 2 * FRAME + FRAME  # all frames are as long
    three = frames(sealed(content(size)))
    forged = MARK + b"".join(three[number] for number in order)
    for claimed in (size, len(order) * FRAME):
        with pytest.raises(SealError):
            opened(forged, claimed)


@given(size=SIZES, data=st.data())
def test_a_file_that_was_cut_off_is_refused_before_anything_is_read(size: int, data: st.DataObject) -> None:
    blob = sealed(content(size))
    with pytest.raises(SealError, match="not as long"):
        Opened(io.BytesIO(blob[: data.draw(st.integers(0, len(blob) - 1))]), KEY, size=size)


@given(size=SIZES, data=st.data())
def test_a_changed_byte_is_noticed(size: int, data: st.DataObject) -> None:
    blob = bytearray(sealed(content(size)))
    blob[data.draw(st.integers(0, len(blob) - 1))] ^= 1
    with pytest.raises(SealError):
        opened(bytes(blob), size)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(SealError, match="damaged"):
        io.BufferedReader(Opened(io.BytesIO(sealed(b"x")), new_key(), size=1)).read()
