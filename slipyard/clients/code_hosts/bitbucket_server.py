"""Bitbucket Data Center, by its REST API (developer.atlassian.com/server/bitbucket/rest): projects and repositories."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from slipyard.clients.code_hosts.code_host import CommitStatus, HostedHook, State
from slipyard.clients.code_hosts.host_api import HostApi
from slipyard.clients.code_hosts.key_text import same_key
from slipyard.clients.outside_http import OutsideHttp
from slipyard.domain.announcement import RequestChange, RequestMove
from slipyard.domain.errors import CodeHostRefused

_STATES = {
    State.PENDING: "INPROGRESS",
    State.SUCCESS: "SUCCESSFUL",
    State.FAILURE: "FAILED",
    State.CANCELLED: "CANCELLED",
    State.SKIPPED: "CANCELLED",
}
_REQUEST_EVENTS = [f"pr:{move}" for move in ("opened", "from_ref_updated", "merged", "declined", "deleted")]
_MOST_DESCRIPTION = 255
_MOST_PAGES = 50
_READ = "the right REPO_READ"
_ADMIN = "the right REPO_ADMIN"
_NOT_FOUND = 404


class BitbucketServer:
    """`api_url` ends in `/rest`; a repository is `<project>/<slug>`."""

    def __init__(self, http: OutsideHttp, api_url: str, token: str) -> None:
        self._api = HostApi(http, "Bitbucket Data Center", api_url, {"Authorization": f"Bearer {token}"})

    async def account(self) -> str:
        """It names who asks in a header of every answer, and answers strangers without it."""
        name = (await self._api.ask("GET", "/api/latest/repos?limit=1")).headers.get("x-ausername")
        if not name:
            raise CodeHostRefused(
                "Bitbucket Data Center does not know this token, or it has expired. Make a new one and connect again."
            )
        return name

    async def check_repository(self, repository: str) -> None:
        """Its webhooks are for administrators alone, so that reading them is the proof."""
        await self._api.ask("GET", _repository(repository), needs=_READ)
        await self._api.ask("GET", f"{_repository(repository)}/webhooks?limit=1", needs=_ADMIN)

    async def set_status(self, repository: str, status: CommitStatus) -> None:
        body = {
            "key": status.context,
            "name": status.context,
            "state": _STATES[status.state],
            "description": status.description[:_MOST_DESCRIPTION],
            "url": status.url or f"{self._api.base_url.removesuffix('/rest')}",
        }
        await self._api.ask("POST", f"{_repository(repository)}/commits/{status.commit}/builds", body, needs=_READ)

    async def create_hook(self, repository: str, hook: HostedHook) -> str:
        path = f"{_repository(repository)}/webhooks"
        events = ["repo:refs_changed", *(_REQUEST_EVENTS if hook.requests else [])]
        body = {
            "name": "Slipyard",
            "url": hook.url,
            "active": True,
            "events": events,
            "configuration": {"secret": hook.secret},
        }
        async for each in self._pages(f"{path}?", _ADMIN):
            if each.get("url") == hook.url:
                await self._api.ask("PUT", f"{path}/{each['id']}", body, needs=_ADMIN)
                return str(each["id"])
        return str(self._api.field((await self._api.ask("POST", path, body, needs=_ADMIN)).body, "id"))

    async def delete_hook(self, repository: str, hook_id: str) -> None:
        path = f"{_repository(repository)}/webhooks/{hook_id}"
        await self._api.ask("DELETE", path, needs=_ADMIN, fine=(_NOT_FOUND,))

    async def add_deploy_key(self, repository: str, title: str, public_key: str) -> str:
        path = f"/keys/latest{_project(repository)}/ssh"
        async for each in self._pages(f"{path}?", _ADMIN):
            if same_key(each.get("key", {}).get("text"), public_key):
                return str(each["key"]["id"])
        body = {"key": {"text": public_key, "label": title}, "permission": "REPO_READ"}
        return str(self._api.field((await self._api.ask("POST", path, body, needs=_ADMIN)).body, "key", "id"))

    async def delete_deploy_key(self, repository: str, key_id: str) -> None:
        path = f"/keys/latest{_project(repository)}/ssh/{key_id}"
        await self._api.ask("DELETE", path, needs=_ADMIN, fine=(_NOT_FOUND,))

    async def open_requests(self, repository: str) -> list[RequestChange]:
        pages = self._pages(f"{_repository(repository)}/pull-requests?state=OPEN&", _READ)
        return [_request(each) async for each in pages]

    async def comment(self, repository: str, number: int, text: str, comment_id: str | None) -> str:
        """A change names the version that it changes, which is read first."""
        path = f"{_repository(repository)}/pull-requests/{number}/comments"
        if comment_id is not None:
            found = await self._api.ask("GET", f"{path}/{comment_id}", needs=_READ, fine=(_NOT_FOUND,))
            if found.status != _NOT_FOUND:
                body = {"text": text, "version": self._api.field(found.body, "version")}
                await self._api.ask("PUT", f"{path}/{comment_id}", body, needs=_READ)
                return comment_id
        return str(self._api.field((await self._api.ask("POST", path, {"text": text}, needs=_READ)).body, "id"))

    async def _pages(self, path: str, needs: str) -> AsyncIterator[Any]:
        start = 0
        for _ in range(_MOST_PAGES):
            body = (await self._api.ask("GET", f"{path}limit=100&start={start}", needs=needs)).body
            for each in self._api.listed(self._api.field(body, "values")):
                yield each
            if body.get("isLastPage", True):
                return
            start = body["nextPageStart"]


def _project(repository: str) -> str:
    project, _, slug = repository.partition("/")
    return f"/projects/{quote(project, safe='~')}/repos/{quote(slug, safe='')}"


def _repository(repository: str) -> str:
    return f"/api/latest{_project(repository)}"


def _request(given: dict[str, Any]) -> RequestChange:
    source, target = given["fromRef"], given["toRef"]
    links = (given.get("links") or {}).get("self") or [{}]
    return RequestChange(
        number=given["id"],
        move=RequestMove.UPDATED,
        head_ref=source["displayId"],
        head_commit=source["latestCommit"],
        base_ref=target["displayId"],
        fork=(source.get("repository") or {}).get("id") != (target.get("repository") or {}).get("id"),
        title=given.get("title") or "",
        author=((given.get("author") or {}).get("user") or {}).get("name", ""),
        url=links[0].get("href", ""),
    )
