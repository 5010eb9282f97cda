"""One field of a multipart body, streamed. Starlette's own parser would write it to a file first."""

from collections.abc import AsyncIterator

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from slipyard.domain.errors import UserError

_MULTIPART = b"multipart/form-data"


async def part_of(body: AsyncIterator[bytes], content_type: str, field: str) -> AsyncIterator[bytes]:
    """The bytes of `field`, or the whole body where it is not multipart. `UserError` where the field is not there."""
    kind, options = parse_options_header(content_type)
    if kind != _MULTIPART:
        async for chunk in body:
            yield chunk
        return
    boundary = options.get(b"boundary")
    if not boundary:
        raise UserError(
            "The multipart body names no boundary in its Content-Type. Let your HTTP client set that header."
        )
    part = _Part(boundary, field)
    async for chunk in body:
        for data in part.feed(chunk):
            yield data
    part.check()


class _Part:
    """Collects what the parser's callbacks say; `feed` gives what belongs to the field."""

    def __init__(self, boundary: bytes, field: str) -> None:
        self._field, self._found, self._ended, self._inside = field, False, False, False
        self._name, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._data: list[bytes] = []
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_part_end": self._part_end,
                "on_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> list[bytes]:
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise UserError(f"The multipart body is broken: {error}. Send it again.") from error
        data, self._data = self._data, []
        return data

    def check(self) -> None:
        if not self._found:
            raise UserError(
                f"The multipart body has no field {self._field!r}; send the tarball in a field of that name."
            )
        if not self._ended:
            raise UserError("The multipart body ended too early. Send it again.")

    def _begin(self) -> None:
        self._headers, self._inside = {}, False

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        wanted = options.get(b"name") == self._field.encode()
        self._inside = wanted and not self._found
        self._found = self._found or wanted

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._inside:
            self._data.append(data[start:end])

    def _part_end(self) -> None:
        self._inside = False

    def _end(self) -> None:
        self._ended = True
