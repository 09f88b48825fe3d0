"""The vault on a real disk: what it keeps it gives back, and nothing damaged stays unnoticed."""

from __future__ import annotations

import asyncio
import os
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.complaints.secrecy import framing, vault
from services.complaints.secrecy.envelope import Envelope, SealError
from services.complaints.secrecy.refusing import RefusedFile
from services.complaints.secrecy.vault import Kept, Limits, MissingFileError, Vault, download_headers
from tests.component.sealed import CODE, NEW, OLD, coming, on_disk, whole
from tests.unit.complaints import given_files as files

LIMITS = Limits(files=3, file_bytes=8 << 20, total_bytes=10 << 20)


@pytest.fixture
def held(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "data" / "attachments", Envelope.of(OLD), LIMITS)


def long_pdf(size: int) -> bytes:
    return files.PDF + os.urandom(size - len(files.PDF))


@pytest.mark.parametrize("size", [100, framing.FRAME, vault.STEP, vault.STEP + 1, 5 << 20])
async def test_what_is_kept_is_given_back_and_none_of_it_shows_on_disk(held: Vault, size: int) -> None:
    content = long_pdf(size)
    kept = await held.keep(coming(content), name="C:\\tôi\\đơn thư.pdf", code=CODE)
    assert (kept.name, kept.type, kept.size) == ("đơn thư.pdf", "application/pdf", size)
    assert await whole(held, kept) == content
    assert held.name_of(kept.id, kept.sealed, code=CODE) == "đơn thư.pdf"
    [file] = on_disk(held)
    assert file.relative_to(held.folder) == Path(kept.id[:2]) / kept.id
    assert file.stat().st_mode & 0o777 == 0o600
    assert {folder.stat().st_mode & 0o777 for folder in (held.folder, file.parent)} == {0o700}
    raw = file.read_bytes()
    assert content[:12] not in raw
    assert content[20:52] not in raw
    assert "đơn".encode() not in raw + kept.sealed


async def test_a_change_of_keys_touches_no_file(held: Vault) -> None:
    kept = await held.keep(coming(files.PNG), name="a.png", code=CODE)
    before = on_disk(held)[0].read_bytes()
    rewrapped = Envelope.of(f"{NEW},{OLD}").rewrap(kept.sealed)
    assert rewrapped
    after = Vault(held.folder, Envelope.of(NEW), LIMITS)
    assert await whole(after, kept._replace(sealed=rewrapped)) == files.PNG
    assert on_disk(held)[0].read_bytes() == before
    with pytest.raises(SealError, match="not in DONDOC_COMPLAINTS_IDENTITY_KEYS"):
        await whole(after, kept)


async def test_rows_and_files_cannot_be_swapped(held: Vault) -> None:
    one, other = [await held.keep(coming(content), name="a.png", code=CODE) for content in (files.PNG, files.PNG)]
    with pytest.raises(SealError):
        await whole(held, one, code="PA-5555-5555-5555")
    with pytest.raises(SealError):
        await whole(held, one._replace(sealed=other.sealed))
    first, second = (held.folder / kept.id[:2] / kept.id for kept in (one, other))
    second.write_bytes(first.read_bytes())
    with pytest.raises(SealError):
        await whole(held, other)


async def test_a_file_that_is_gone_cut_off_or_changed_is_told_as_such(held: Vault) -> None:
    content = long_pdf(3 << 20)
    kept = await held.keep(coming(content), name="a.pdf", code=CODE)
    [file] = on_disk(held)
    sound = file.read_bytes()
    file.write_bytes(sound[: len(framing.MARK) + 4 * framing.SEALED_FRAME])
    with pytest.raises(SealError, match="not as long"):
        await whole(held, kept)
    file.write_bytes(sound[:-5] + bytes(5))
    got = []
    with pytest.raises(SealError, match="damaged"):  # noqa: PT012
        async for part in held.read(kept, code=CODE):
            got.append(part)
    assert content.startswith(b"".join(got))
    file.unlink()
    with pytest.raises(MissingFileError, match="restore it from the backup"):
        await whole(held, kept)
    for odd in ("../../etc/passwd", "", "A" * 32, "a" * 31 + "/"):
        with pytest.raises((MissingFileError, SealError)):
            await whole(held, kept._replace(id=odd))


async def broken_off(content: bytes) -> AsyncIterator[bytes]:
    yield content
    raise ConnectionError("the sender went away")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.exe", files.EXE),
        ("a.pdf", b""),
        ("a.jpg", files.PDF),
        ("a.docx", files.docx({"word/vbaProject.bin": "x"})),
        ("a.jpg", files.JPEG + bytes(2 << 20) + files.archive({"a": "b"})),
        ("a.pdf", long_pdf((8 << 20) + 1)),
    ],
)
async def test_of_what_is_refused_nothing_is_left(held: Vault, name: str, content: bytes) -> None:
    with pytest.raises(RefusedFile):
        await held.keep(coming(content), name=name, code=CODE)
    assert on_disk(held) == []


async def test_of_what_was_broken_off_nothing_is_left(held: Vault) -> None:
    with pytest.raises(ConnectionError):
        await held.keep(broken_off(long_pdf(3 << 20)), name="a.pdf", code=CODE)
    assert on_disk(held) == []

    async def endless() -> AsyncIterator[bytes]:
        yield long_pdf(3 << 20)
        yield long_pdf(2 << 20)
        begun.set()
        await asyncio.sleep(60)

    begun = asyncio.Event()
    keeping = asyncio.create_task(held.keep(endless(), name="a.pdf", code=CODE))
    await begun.wait()
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
    assert on_disk(held) == []


async def test_a_feedback_has_no_more_files_and_bytes_than_it_may(held: Vault) -> None:
    big = await held.keep(coming(long_pdf(7 << 20)), name="a.pdf", code=CODE)
    with pytest.raises(RefusedFile) as refused:
        await held.keep(coming(long_pdf(4 << 20)), name="b.pdf", code=CODE, there=[big])
    assert (refused.value.reason, "10 MB" in refused.value.vi) == ("too_much", True)
    with pytest.raises(RefusedFile) as refused:
        await held.keep(coming(files.PNG), name="b.png", code=CODE, there=[big._replace(size=1)] * 3)
    assert refused.value.reason == "too_many"
    assert len(on_disk(held)) == 1


async def test_memory_does_not_grow_with_the_file(held: Vault) -> None:
    of = Vault(held.folder, held.envelope, Limits(files=1, file_bytes=64 << 20, total_bytes=64 << 20))

    async def much() -> AsyncIterator[bytes]:
        yield files.PDF
        for _ in range(48 * 16):
            yield bytes(64 << 10)

    tracemalloc.start()
    try:
        kept = await of.keep(much(), name="a.pdf", code=CODE)
        read = 0
        async for part in of.read(kept, code=CODE):
            read += len(part)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read == kept.size > 48 << 20
    assert peak < 10 << 20


async def test_a_document_is_looked_at_where_it_lies_sealed(held: Vault) -> None:
    big = files.docx({"word/media/image1.png": files.PNG + os.urandom(3 << 20)})
    kept = await held.keep(coming(big), name="đơn.docx", code=CODE)
    assert await whole(held, kept) == big


def test_a_download_is_saved_and_never_shown() -> None:
    headers = download_headers(Kept("0" * 32, 'đơn "thư" 100%; a=b.pdf', "application/pdf", 7, b""))
    plain = 'filename="__n _th__ 100_; a=b.pdf"'
    full = "filename*=UTF-8''%C4%91%C6%A1n%20%22th%C6%B0%22%20100%25%3B%20a%3Db.pdf"
    assert headers["Content-Disposition"] == f"attachment; {plain}; {full}"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("sandbox")
    assert headers["Cache-Control"] == "no-store"
    for value in headers.values():
        value.encode("latin-1")
