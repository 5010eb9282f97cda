"""Lines as a JSON list, posted. Whoever answers with 2xx has them."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from slipyard.clients.outside_http import OutsideHttp
from slipyard.domain.drain import DrainLine
from slipyard.domain.errors import Unavailable, ValidationFailed
from slipyard.domain.network_rules import Network

# It has read the lines and does not want them; everything else may be another answer once somebody has looked after it.
_NEVER = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
_SECONDS = 10.0
_SHOWN = 200


class HttpSink:
    def __init__(self, url: str, headers: Mapping[str, str], allowed_networks: Sequence[Network]) -> None:
        self._url = url
        self._headers = headers
        self._http = OutsideHttp(allowed_networks, seconds=_SECONDS, most_bytes=65536)

    async def send(self, lines: Sequence[DrainLine]) -> None:
        await post_json(self._http, self._url, self._headers, [_row(line) for line in lines])

    async def close(self) -> None:
        """Nothing stays open between two sends."""


async def post_json(http: OutsideHttp, url: str, headers: Mapping[str, str], body: object) -> None:
    content = json.dumps(body, ensure_ascii=False).encode(errors="replace")
    answer = await http.send("POST", url, {**headers, "Content-Type": "application/json"}, content)
    if answer.status // 100 == HTTPStatus.OK // 100:
        return
    said = answer.body.decode(errors="replace").strip()[:_SHOWN]
    if answer.status in _NEVER:
        raise ValidationFailed(
            f"The log drain refused lines with {answer.status}: {said} They are dropped, and counted."
        )
    raise Unavailable(
        f"The log drain answered {answer.status}: {said} It is tried again; check its URL and authorization."
    )


def _row(line: DrainLine) -> dict[str, str]:
    return {
        "timestamp": line.at.isoformat().replace("+00:00", "Z"),
        "app": line.app,
        "service": line.service,
        "instance_id": line.instance_id,
        "stream": line.stream,
        "message": line.message,
    }
