"""Forms with files, read in whatever pieces they come."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.complaints.web.multipart import FIELD_BYTES, FIELDS, FIELDS_BYTES, FILES, Form, FormError

BOUNDARY = b"----WebKitFormBoundary7MA4YWxkTrZu0gW"
TYPE = f"multipart/form-data; boundary={BOUNDARY.decode()}"
NEAR = [b"\r\n", b"\r\n--", b"\r\n--" + BOUNDARY[:-1], b"--", b"\r", b"x", b"\x00\xff"]


def field(name: str, value: bytes) -> bytes:
    return b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (BOUNDARY, name.encode(), value)


def file(name: str, content: bytes) -> bytes:
    head = b'--%s\r\nContent-Disposition: form-data; name="attachments"; filename="%s"\r\nContent-Type: image/png'
    return head % (BOUNDARY, name.encode()) + b"\r\n\r\n" + content + b"\r\n"


END = b"--" + BOUNDARY + b"--\r\n"


async def pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


async def read(body: bytes, *, size: int = 1 << 16) -> tuple[dict[str, str], list[tuple[str, bytes]]]:
    form = Form(TYPE, pieces(body, size))
    fields = await form.fields()
    return fields, [(name, b"".join([part async for part in content])) async for name, content in form.files()]


@given(
    contents=some.lists(some.lists(some.sampled_from(NEAR), max_size=6).map(b"".join), min_size=1, max_size=3),
    size=some.integers(1, 200),
)
async def test_pieces_and_what_looks_like_a_boundary_change_nothing(contents: list[bytes], size: int) -> None:
    body = field("text", "Đường hỏng\r\nnặng".encode()) + field("unit", b"")
    body += b"".join(file(f"ảnh {n}.png", content) for n, content in enumerate(contents)) + END
    fields, files = await read(body, size=size)
    assert fields == {"text": "Đường hỏng\r\nnặng", "unit": ""}
    assert files == [(f"ảnh {n}.png", content) for n, content in enumerate(contents)]


async def test_a_place_for_files_that_was_left_empty_is_no_file() -> None:
    assert await read(field("a", b"b") + file("", b"") + END) == ({"a": "b"}, [])


async def test_a_file_that_its_taker_leaves_half_read_does_not_hold_up_the_next() -> None:
    form = Form(TYPE, pieces(file("a", b"x" * 500_000) + file("b", b"y") + END, 1000))
    assert await form.fields() == {}
    names = []
    async for name, content in form.files():
        await anext(content)
        names.append(name)
    assert names == ["a", "b"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form",
        field("a", b"b"),
        field("a", b"b") + END[:-4],
        file("a", b"b"),
        file("a", b"b") + field("a", b"b") + END,
        field("a", b"\xff") + END,
        field("a", b"x" * (FIELD_BYTES + 1)) + END,
        field("a", b"b") * (FIELDS + FILES + 1) + END,
        field("a", b"x" * FIELD_BYTES) * (FIELDS_BYTES // FIELD_BYTES + 1) + END,
        b"--%s\r\nContent-Disposition: form-data\r\n\r\nx\r\n" % BOUNDARY + END,
        b"--%s\r\n\r\nx\r\n" % BOUNDARY + END,
        b"--%s\r\n%s: x\r\n\r\nx\r\n" % (BOUNDARY, b"X" * 100_000) + END,
    ],
    ids=range(13),
)
async def test_what_is_no_form_of_ours_is_refused_however_it_comes(body: bytes) -> None:
    for size in (7, 1 << 16):
        with pytest.raises(FormError):
            await read(body, size=size)


@pytest.mark.parametrize(
    "type", ["", "text/plain", "multipart/form-data", f"multipart/form-data; boundary={'x' * 300}"]
)
def test_other_types_are_refused(type: str) -> None:
    with pytest.raises(FormError):
        Form(type, pieces(b"", 1))
