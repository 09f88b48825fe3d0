"""Words planted where nobody may find them, and the search for them in every dress that programs give them."""

from __future__ import annotations

import base64
import json
import quopri
import unicodedata
from collections.abc import Iterable, Iterator
from email import message_from_bytes, policy
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import asyncpg

CHUNK, OVERLAP = 32 << 20, 256  # bytes of a file that are searched at a time, and of the chunk before


def plain(word: str) -> str:
    """Return a word without accents."""
    bare = "".join(one for one in unicodedata.normalize("NFD", word) if not unicodedata.combining(one))
    return bare.replace("đ", "d").replace("Đ", "D")


def dresses(word: str) -> set[bytes]:
    """Return a word as it may be found in bytes."""
    found: set[bytes] = set()
    for spelt in (word, unicodedata.normalize("NFD", word), plain(word)):
        for cased in (spelt, spelt.lower(), spelt.upper()):
            bytes_ = cased.encode()
            escaped = json.dumps(cased)[1:-1]
            found |= {bytes_, cased.encode("utf-16-le"), bytes_.hex().encode(), bytes_.hex().upper().encode()}
            found |= {quopri.encodestring(bytes_), quote(cased).encode(), quote(cased).lower().encode()}
            found |= {escaped.encode(), escaped.upper().replace("\\U", "\\u").encode()}
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                found |= {_middle(encode(bytes(before) + bytes_), before, len(bytes_)) for before in range(3)}
    return found


def _middle(encoded: bytes, before: int, length: int) -> bytes:
    """Return what of a word in base64 is the same whatever stands around it."""
    return encoded[-(-before * 8 // 6) : (before + length) * 8 // 6]


class Search:
    """A search for some words. found: each place with the word and what stands there."""

    def __init__(self, *words: str) -> None:
        self._needles = {needle: word for word in words for needle in dresses(word)}
        self.found: dict[str, set[str]] = {word: set() for word in words}

    def look(self, place: str, said: bytes) -> None:
        for needle, word in self._needles.items():
            if (at := said.find(needle)) >= 0:
                self.found[word].add(f"{place}: {said[max(0, at - 40) : at + len(needle) + 40]!r}")

    def look_into(self, folder: Path, *, but: Iterable[str] = ()) -> int:
        """Search the raw bytes of all files of a folder; return how many bytes there were."""
        size = 0
        for file in sorted(folder.rglob("*")):
            if file.is_file() and not file.is_symlink() and file.name not in but:
                size += self._look_into(file)
        return size

    def _look_into(self, file: Path) -> int:
        size, before = 0, b""
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                self.look(str(file), before + chunk)
                size, before = size + len(chunk), chunk[-OVERLAP:]
        return size


async def rows_of(connection: asyncpg.Connection) -> dict[str, bytes]:
    """Return every row of every table of every schema of ours, as JSON, by the name of the table."""
    tables = await connection.fetch(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    found = {}
    for schema, table in tables:
        rows = await connection.fetch(f'SELECT CAST(row_to_json(t) AS text) FROM "{schema}"."{table}" AS t')
        found[f"{schema}.{table}"] = "\n".join(row[0] for row in rows).encode()
    return found


def mails_in(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each mail by the name of its file: as it was sent, then each part decoded."""
    for file in sorted(folder.iterdir()):
        raw = file.read_bytes()
        parts = [part for part in message_from_bytes(raw, policy=policy.default).walk() if not part.is_multipart()]
        yield file.name, b"\n".join([raw, *(str(part.get_content()).encode() for part in parts)])


def self_check() -> None:
    """Check that each dress is seen, at each place in base64."""
    word = "Mậtngôn"
    for before, after in pairwise(("", "a", "ab", "abc ", "")):
        sentence = f"{before}{word}{after}"
        for said in (
            base64.b64encode(sentence.encode()), quopri.encodestring(sentence.encode()), json.dumps(sentence).encode(),
            sentence.upper().encode(), plain(sentence).lower().encode(), sentence.encode().hex().encode(),
            quote(sentence).encode(), unicodedata.normalize("NFD", sentence).encode(),
        ):  # fmt: skip
            search = Search(word)
            search.look("here", b"..." + said + b"...")
            assert search.found[word], said
