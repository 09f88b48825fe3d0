"""Files are taken for what they are: what is of use to an office, nothing that runs, nothing that is two things."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.complaints.secrecy import kinds
from services.complaints.secrecy.refusing import SAID, RefusedFile, in_words
from tests.unit.complaints import given_files as files


def taken(name: str, content: bytes) -> str:
    """Return the type of a whole file. raises: RefusedFile."""
    type = kinds.type_of(kinds.clean_name(name), content[: kinds.HEAD])
    kinds.check_whole(type, io.BytesIO(content), size=len(content))
    return type


@pytest.mark.parametrize(
    ("name", "content", "type"),
    [
        ("đơn.pdf", files.PDF, "application/pdf"),
        ("ảnh.JPG", files.JPEG, "image/jpeg"),
        ("ảnh.jpeg", b"\xff\xd8\xff\xdb\x00\x43" + bytes(100), "image/jpeg"),
        ("ảnh.png", files.PNG, "image/png"),
        ("ảnh.webp", files.WEBP, "image/webp"),
        *((f"ảnh {one!r}.heic", files.brand(one), "image/heic") for one in (b"heic", b"heix", b"mif1")),
        *((f"phim {one!r}.mp4", files.brand(one), "video/mp4") for one in (b"isom", b"mp42", b"mp41", b"iso5")),
        ("phim.mov", files.brand(b"qt  "), "video/quicktime"),
        ("ghi âm.m4a", files.brand(b"M4A "), "audio/mp4"),
        ("ghi âm của máy khác.m4a", files.brand(b"mp42"), "audio/mp4"),
        ("ghi âm.mp3", files.ID3, "audio/mpeg"),
        ("ghi âm.mp3", files.mp3(b"\xff\xfb\x90\x64", length=417), "audio/mpeg"),
        ("ghi âm.mp3", files.mp3(b"\xff\xf3\x84\x64", length=192), "audio/mpeg"),
        ("đơn.docx", files.docx(), kinds.ENDINGS["docx"][0]),
        ("bảng.xlsx", files.xlsx(), kinds.ENDINGS["xlsx"][0]),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_citizens_and_offices_send_is_taken(name: str, content: bytes, type: str) -> None:
    assert taken(name, content) == type


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("trang.html", files.PAGE, "unknown"),
        ("hình.svg", files.SVG, "unknown"),
        ("chạy.exe", files.EXE, "unknown"),
        ("nén.zip", files.archive({"a": "b"}), "unknown"),
        ("cũ.doc", files.OLE, "unknown"),
        ("macro.docm", files.docx({"word/vbaProject.bin": "x"}), "unknown"),
        ("không đuôi", files.PDF, "unknown"),
        ("pdf", files.PDF, "unknown"),
        ("rỗng.pdf", b"", "empty"),
        ("a.exe.pdf", files.EXE, "differs"),
        ("a.png", files.ELF, "differs"),
        ("a.jpg", files.PAGE, "differs"),
        ("a.png", files.SVG, "differs"),
        ("a.pdf", files.JPEG, "differs"),
        ("a.jpg", files.PNG, "differs"),
        ("a.heic", files.brand(b"isom"), "differs"),
        ("a.mp4", files.brand(b"heic"), "differs"),
        ("a.mp4", files.brand(b"isom", first_box=0x4D5A9000), "differs"),
        ("a.heic", files.brand(b"avif"), "differs"),
        ("a.mp3", b"\xff\xfb\x90\x64" + bytes(800), "differs"),
        ("a.mp3", files.EXE, "differs"),
        ("a.pdf", b"\n" + files.PDF, "differs"),
        ("khoá.docx", files.OLE, "locked"),
        ("a.docx", files.archive({"a.txt": "b"}), "differs"),
        ("a.xlsx", files.docx(), "differs"),
        ("a.docx", files.xlsx(), "differs"),
        ("a.jpg", files.JPEG[:-2] + b"<script>alert(1)</script>" + files.JPEG[-2:], "two_in_one"),
        ("a.png", files.PNG[:40] + files.PDF, "two_in_one"),
        ("a.jpg", files.JPEG + files.archive({"a": "b"}), "two_in_one"),
        ("a.pdf", files.PDF + files.docx(), "two_in_one"),
        ("a.mp3", files.ID3 + files.archive({"a": "b"}, comment=b"words"), "two_in_one"),
        ("a.docx", files.docx({"word/vbaProject.bin": "x"}), "macros"),
        ("a.docx", files.docx({"word/VBAPROJECT.BIN": "x"}), "macros"),
        ("a.docx", files.docx({"word/activeX/activeX1.bin": "x"}), "macros"),
        ("a.docx", files.docx({"word/embeddings/a.exe": "x"}), "macros"),
        ("a.docx", files.docx(types="application/vnd.ms-word.document.macroEnabled.main+xml"), "macros"),
        ("a.docx", files.docx({"../../a.xml": "x"}), "damaged"),
        ("a.docx", files.docx({"WORD/document.xml": "x"}), "damaged"),
        ("a.docx", files.docx(comment=b"words"), "damaged"),
        ("a.docx", files.docx() + b"more", "damaged"),
        ("a.docx", files.docx()[:-30], "damaged"),
        ("a.docx", files.archive({"another": "document"}) + files.docx(), "damaged"),
        ("a.docx", files.docx()[:30] + bytes(500) + files.docx()[30:], "damaged"),
        ("a.docx", files.docx({f"word/{number}.xml": "" for number in range(5000)}), "damaged"),
        ("a.docx", files.docx(types="application/vnd.oasis.opendocument.text"), "differs"),
    ],
)  # fmt: skip
def test_what_is_none_of_these_is_refused(name: str, content: bytes, reason: str) -> None:
    with pytest.raises(RefusedFile) as refused:
        taken(name, content)
    assert refused.value.reason == reason


def test_a_document_that_unpacks_to_too_much_is_refused_without_unpacking_it() -> None:
    bomb = files.docx({f"word/{number}.xml": bytes(40 << 20) for number in range(8)})
    assert len(bomb) < 1 << 20
    with pytest.raises(RefusedFile):
        taken("a.docx", bomb)


@given(content=st.binary(max_size=400), ending=st.sampled_from(sorted(kinds.ENDINGS)))
def test_any_bytes_are_taken_or_refused_and_nothing_else_happens(content: bytes, ending: str) -> None:
    for begun in (content, files.docx()[:60] + content, b"PK\x05\x06" + content, files.ID3[:10] + content):
        try:
            taken(f"a.{ending}", begun)
        except RefusedFile as refused:
            assert refused.vi  # noqa: PT017


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\Users\\a\\đơn thư.pdf", "đơn thư.pdf"),
        ("ảnh\u202egpj.exe", "ảnhgpj.exe"),
        ("a\r\nSet-Cookie: x.pdf", "a Set-Cookie_ x.pdf"),
        ("  .đơn.pdf. ", "đơn.pdf"),
        ("", "tep-dinh-kem"),
        ("\u0000", "tep-dinh-kem"),
        (".pdf", "pdf"),
        ("đơn" * 100 + ".pdf", "đơn" * 25 + "đ.pdf"),
        ("e\u0302.pdf", "ê.pdf"),
    ],
)
def test_names_are_cleaned(name: str, shown: str) -> None:
    assert kinds.clean_name(name) == shown


@given(st.text(max_size=300))
def test_a_cleaned_name_fits_and_stays(name: str) -> None:
    shown = kinds.clean_name(name)
    assert 0 < len(shown) <= kinds.LONGEST_NAME
    assert len(shown.encode()) < 256
    assert not set(shown) & set('/\\\r\n\0"')
    assert kinds.clean_name(shown) == shown


def test_each_refusal_is_said_in_both_languages() -> None:
    for reason in SAID:
        refused = RefusedFile(reason, limit=in_words(10 << 20))
        assert "{" not in refused.vi + refused.en
    assert "10 MB" in RefusedFile("too_big", limit=in_words(10 << 20)).vi
    assert in_words(2560) == "2.5 kB"
