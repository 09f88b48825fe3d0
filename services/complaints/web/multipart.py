"""Forms with files, read as they come: first the fields, then each file, of which no more than a chunk is in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, NamedTuple

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

TYPE = "multipart/form-data"
FIELDS, FIELD_BYTES, FILES = 40, 256 << 10, 20  # of one form; more is none of ours
FIELDS_BYTES = 1 << 20  # of all of its fields


class FormError(ValueError):
    """The body is no form of ours; the message says in which way."""


class Part(NamedTuple):
    """name: of the field. filename: None where it is no file."""

    name: str
    filename: str | None


class Form:
    """A form on its way. Read `fields` first, then each of `files` to its end; `pass_over` what is not wanted."""

    def __init__(self, content_type: str, body: AsyncIterator[bytes]) -> None:
        """raises: FormError - no multipart."""
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind.decode("latin-1") != TYPE or not boundary:
            raise FormError(f"send {TYPE}")
        self._body = body
        self._events: deque[Part | bytes | None] = deque()  # a part begins, some of it, it ends
        self._name, self._header = b"", b""
        self._disposition = ""
        self._parts, self._is_whole = 0, False
        self._file: Part | None = None
        self.files_read = 0  # of `files`, those that hold something
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._add_name,
            "on_header_value": self._add_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin_part,
            "on_part_data": self._add_data,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }
        try:
            self._parser = MultipartParser(boundary, callbacks)
        except FormParserError as error:
            raise FormError(str(error)) from None

    async def fields(self) -> dict[str, str]:
        """Return the fields before the first file; of one name the last counts.

        raises: FormError - a field is too long or no UTF-8, there are too many or too much, or the form is cut off.
        """
        found: dict[str, str] = {}
        size = 0
        while isinstance(part := await self._next(), Part):
            if part.filename is not None:
                self._file = part
                break
            value = bytearray()
            async for some in self._content():
                value += some
                size += len(some)
                if len(value) > FIELD_BYTES:
                    raise FormError(f"{part.name}: a field may have {FIELD_BYTES} bytes at most")
                if size > FIELDS_BYTES:
                    raise FormError(f"the fields of a form may have {FIELDS_BYTES} bytes at most")
            try:
                found[part.name] = value.decode("utf-8")
            except UnicodeDecodeError:
                raise FormError(f"{part.name}: is no UTF-8") from None
        return found

    async def files(self) -> AsyncIterator[tuple[str, AsyncIterator[bytes]]]:
        """Yield each file with its name and its content; places left empty are passed over.

        raises: FormError - a field comes after a file, or the form is cut off.
        """
        while self._file is not None:
            content = self._content()
            first = await anext(content, b"")
            if self._file.filename or first:
                self.files_read += 1
                yield self._file.filename or "", _with(first, content)
                async for _ in content:
                    pass  # what its taker left
            following = await self._next()
            if isinstance(following, Part) and following.filename is None:
                raise FormError("files come after the fields")
            self._file = following if isinstance(following, Part) else None

    async def pass_over(self) -> None:
        """Read what is left and keep nothing, so that who sends it gets to read our answer."""
        self._file = None
        async for _ in self._body:
            pass

    async def _content(self) -> AsyncIterator[bytes]:
        while (some := await self._next()) is not None:
            assert isinstance(some, bytes)
            yield some

    async def _next(self) -> Part | bytes | None:
        while not self._events:
            chunk = await anext(self._body, None)
            if chunk is None:
                if self._is_whole:
                    return None
                raise FormError("the form is cut off")
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise FormError(str(error)) from None
        return self._events.popleft()

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > FIELDS + FILES:
            raise FormError("too many fields")
        self._name, self._header, self._disposition = b"", b"", ""

    def _add_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._header.decode("latin-1")
        self._name, self._header = b"", b""

    def _begin_part(self) -> None:
        _, options = parse_options_header(self._disposition)
        name, filename = options.get(b"name"), options.get(b"filename")
        if name is None:
            raise FormError("a field without a name")
        self._events.append(Part(_text(name), None if filename is None else _text(filename)))

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(data[start:end])

    def _end_part(self) -> None:
        self._events.append(None)

    def _end(self) -> None:
        self._is_whole = True


def _text(raw: bytes) -> str:
    """Return what a browser meant: UTF-8, with quotes and line ends as percents."""
    word = raw.decode("utf-8", "replace")
    return word.replace("%22", '"').replace("%0D", " ").replace("%0A", " ")


async def _with(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for some in rest:
        yield some
