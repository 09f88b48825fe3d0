"""Files as phones, scanners and programs of offices write them, as short as they can be; and some that pretend."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import openpyxl

MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< >>\nendobj\ntrailer << >>\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(200) + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(200)
ID3 = b"ID3\x04\x00\x00\x00\x00\x00\x20" + bytes(200)
PAGE = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"></svg>'
EXE = b"MZ\x90\x00\x03\x00\x00\x00" + bytes(200)
ELF = b"\x7fELF\x02\x01\x01" + bytes(200)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def brand(name: bytes, *, first_box: int = 24) -> bytes:
    """Return the beginning of an ISO file."""
    return first_box.to_bytes(4, "big") + b"ftyp" + name + bytes(8) + b"isom" + bytes(300)


def mp3(head: bytes, *, length: int) -> bytes:
    """Return two frames of MPEG audio. length: of the first, as its head says."""
    return head + bytes(length - 4) + head + bytes(length)


def archive(entries: Mapping[str, bytes | str], *, comment: bytes = b"") -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
        file.comment = comment
    return held.getvalue()


def docx(more: Mapping[str, bytes | str] | None = None, *, types: str = MAIN, comment: bytes = b"") -> bytes:
    entries = {"[Content_Types].xml": f'<Types><Override ContentType="{types}"/></Types>', "word/document.xml": "<w/>"}
    return archive({**entries, **(more or {})}, comment=comment)


def xlsx() -> bytes:
    held = io.BytesIO()
    openpyxl.Workbook().save(held)
    return held.getvalue()
