"""Backups in a bucket: in parts, so that no length need be known and a broken connection costs one part."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from slipyard.clients.backup_places.aws_signature import AwsKey, AwsRequest, signed_headers
from slipyard.clients.outside_http import OutsideAnswer, OutsideHttp
from slipyard.domain.backup import S3Place
from slipyard.domain.errors import NotFound, Unavailable, UserError

PART = 16 * 1024 * 1024
_MOST_PARTS = 10_000
_SECONDS = 600.0
_WAITS = (0.5, 2.0, 8.0)  # before each further try of one request
_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,60})</Code>")
_UPLOAD = re.compile(r"<UploadId>([^<]{1,1000})</UploadId>")
_TOTAL = re.compile(r"bytes [0-9]+-[0-9]+/([0-9]+)")


class Bucket:
    """A `BackupPlace`."""

    def __init__(self, place: S3Place, secret: str, http: OutsideHttp, *, part_bytes: int = PART) -> None:
        self._place, self._http, self._part_bytes = place, http, part_bytes
        self._key = AwsKey(place.access_key_id, secret, place.region)
        self._host = urlsplit(place.endpoint).netloc

    async def put(self, name: str, content: AsyncIterator[bytes]) -> int:
        parts = self._parts(content)
        first = await anext(parts, b"")
        second = await anext(parts, None)
        if second is None:
            await self._asked("PUT", name, {}, first)
            return len(first)
        upload = {"uploadId": _found(_UPLOAD, await self._asked("POST", name, {"uploads": ""}))}
        try:
            return await self._put_parts(name, upload, (first, second), parts)
        except BaseException:
            await asyncio.shield(self._call("DELETE", name, upload))
            raise

    async def get(self, name: str) -> AsyncGenerator[bytes, None]:
        start, total = 0, 1
        while start < total:
            span = {"range": f"bytes={start}-{start + self._part_bytes - 1}"}
            answer = await self._asked("GET", name, {}, headers=span)
            yield answer.body
            start += len(answer.body)
            whole = _TOTAL.fullmatch(answer.headers.get("content-range", ""))
            total = int(whole[1]) if whole else start

    async def delete(self, name: str) -> None:
        answer = await self._call("DELETE", name, {})
        if answer.status != HTTPStatus.NOT_FOUND:
            self._require(answer, name)

    async def _put_parts(
        self, name: str, upload: Mapping[str, str], begun: tuple[bytes, bytes], rest: AsyncIterator[bytes]
    ) -> int:
        size = 0
        tags: list[str] = []

        async def put(part: bytes) -> None:
            nonlocal size
            if len(tags) == _MOST_PARTS:
                most = _MOST_PARTS * self._part_bytes
                raise UserError(
                    f"A backup in a bucket has {most} bytes at the most, and this one has more. Use a directory."
                )
            answer = await self._asked("PUT", name, {"partNumber": str(len(tags) + 1), **upload}, part)
            tags.append(answer.headers.get("etag", ""))
            size += len(part)

        for part in begun:
            await put(part)
        async for part in rest:
            await put(part)
        answer = await self._asked("POST", name, upload, _completed(tags))
        if b"<Error>" in answer.body:  # it may say so after a 200
            raise self._refusal(answer, name)
        return size

    async def _parts(self, content: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        waiting = bytearray()
        async for piece in content:
            waiting += piece
            while len(waiting) >= self._part_bytes:
                yield bytes(waiting[: self._part_bytes])
                del waiting[: self._part_bytes]
        if waiting:
            yield bytes(waiting)

    async def _asked(
        self,
        method: str,
        name: str,
        query: Mapping[str, str],
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> OutsideAnswer:
        answer = await self._call(method, name, query, body, headers)
        self._require(answer, name)
        return answer

    async def _call(
        self,
        method: str,
        name: str,
        query: Mapping[str, str],
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> OutsideAnswer:
        """Each request may be sent again: the last one counts, whatever became of those before."""
        for wait in (*_WAITS, None):
            try:
                answer = await self._send(method, name, query, body, headers or {})
            except Unavailable:
                if wait is None:
                    raise
            else:
                if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR or wait is None:
                    return answer
            await asyncio.sleep(wait)
        raise AssertionError("the last try returns or raises")

    async def _send(
        self, method: str, name: str, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]
    ) -> OutsideAnswer:
        path = f"/{self._place.bucket}/{self._place.prefix}{name}"
        request = AwsRequest(method, self._host, path, query, headers, body)
        signed = await asyncio.to_thread(signed_headers, request, self._key, datetime.now(UTC))
        url = f"{self._place.endpoint}{request.target}"
        return await self._http.send(method, url, signed, body if method in {"PUT", "POST"} else None)

    def _require(self, answer: OutsideAnswer, name: str) -> None:
        if answer.status == HTTPStatus.NOT_FOUND and "NoSuchBucket" not in _text(answer):
            raise NotFound(f"There is no backup {name} in the bucket {self._place.bucket}. Somebody removed it.")
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unavailable(
                f"The bucket {self._place.bucket} at {self._host} answers {answer.status}. Try again later."
            )
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise self._refusal(answer, name)

    def _refusal(self, answer: OutsideAnswer, name: str) -> UserError:
        code = _CODE.search(_text(answer))
        said = code[1] if code else str(answer.status)
        return UserError(
            f"The bucket {self._place.bucket} at {self._host} refused {name}: {said}. Check the bucket, its region, the access"
            " key and what it may do."
        )


def bucket_http(http: OutsideHttp) -> OutsideHttp:
    """With the time and the room that a part needs."""
    return OutsideHttp(http.allowed_networks, seconds=_SECONDS, most_bytes=2 * PART)


def _completed(tags: list[str]) -> bytes:
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>" for number, tag in enumerate(tags, 1)
    )
    return f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()


def _found(pattern: re.Pattern[str], answer: OutsideAnswer) -> str:
    found = pattern.search(_text(answer))
    if found is None:
        raise Unavailable("The bucket's server did not answer as S3 does. Check the endpoint.")
    return found[1]


def _text(answer: OutsideAnswer) -> str:
    return answer.body[:10_000].decode(errors="replace")
