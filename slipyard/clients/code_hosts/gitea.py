"""Gitea and Forgejo, by their API v1 (docs.gitea.com/api, forgejo.org/docs): the same for what we ask."""

from typing import Any

from slipyard.clients.code_hosts.code_host import CommitStatus, HostedHook, State
from slipyard.clients.code_hosts.host_api import HostApi
from slipyard.clients.code_hosts.key_text import same_key
from slipyard.clients.code_hosts.refusals import check_rights
from slipyard.clients.outside_http import OutsideHttp
from slipyard.domain.announcement import RequestChange, RequestMove

_STATES = {
    State.PENDING: "pending",
    State.SUCCESS: "success",
    State.FAILURE: "failure",
    State.CANCELLED: "warning",
    State.SKIPPED: "warning",
}
_EVENTS = ["push", "create", "delete", "status"]
_REQUEST_EVENTS = ["pull_request", "pull_request_sync"]
_MOST_DESCRIPTION = 255
_MOST_PER_PAGE = 50
_WRITE = "a token with the scope write:repository, of somebody who may write to the repository"
_ADMIN = "a token with the scope write:repository, of an administrator of the repository"
_COMMENTS = "a token with the scope write:issue"
_NOT_FOUND = 404


class Gitea:
    def __init__(self, http: OutsideHttp, api_url: str, token: str, name: str = "Gitea") -> None:
        self._api = HostApi(http, name, api_url, {"Authorization": f"token {token}"})

    async def account(self) -> str:
        return str(self._api.field((await self._api.ask("GET", "/user", needs="the scope read:user")).body, "login"))

    async def check_repository(self, repository: str) -> None:
        found = (await self._api.ask("GET", f"/repos/{repository}", needs="the scope read:repository")).body
        check_rights(found, repository, self._api.name)

    async def set_status(self, repository: str, status: CommitStatus) -> None:
        body = {
            "state": _STATES[status.state],
            "context": status.context,
            "description": status.description[:_MOST_DESCRIPTION],
            "target_url": status.url,
        }
        await self._api.ask("POST", f"/repos/{repository}/statuses/{status.commit}", body, needs=_WRITE)

    async def create_hook(self, repository: str, hook: HostedHook) -> str:
        path = f"/repos/{repository}/hooks"
        config = {"url": hook.url, "content_type": "json", "secret": hook.secret}
        body = {"active": True, "events": [*_EVENTS, *(_REQUEST_EVENTS if hook.requests else [])], "config": config}
        async for each in self._api.pages(path, {"limit": _MOST_PER_PAGE}, needs=_ADMIN):
            if each.get("config", {}).get("url") == hook.url:
                await self._api.ask("PATCH", f"{path}/{each['id']}", body, needs=_ADMIN)
                return str(each["id"])
        reply = await self._api.ask("POST", path, {"type": self._api.name.lower(), **body}, needs=_ADMIN)
        return str(self._api.field(reply.body, "id"))

    async def delete_hook(self, repository: str, hook_id: str) -> None:
        await self._api.ask("DELETE", f"/repos/{repository}/hooks/{hook_id}", needs=_ADMIN, fine=(_NOT_FOUND,))

    async def add_deploy_key(self, repository: str, title: str, public_key: str) -> str:
        path = f"/repos/{repository}/keys"
        async for each in self._api.pages(path, {"limit": _MOST_PER_PAGE}, needs=_ADMIN):
            if same_key(each.get("key"), public_key):
                return str(each["id"])
        body = {"title": title, "key": public_key, "read_only": True}
        return str(self._api.field((await self._api.ask("POST", path, body, needs=_ADMIN)).body, "id"))

    async def delete_deploy_key(self, repository: str, key_id: str) -> None:
        await self._api.ask("DELETE", f"/repos/{repository}/keys/{key_id}", needs=_ADMIN, fine=(_NOT_FOUND,))

    async def open_requests(self, repository: str) -> list[RequestChange]:
        asked = {"state": "open", "limit": _MOST_PER_PAGE}
        pages = self._api.pages(f"/repos/{repository}/pulls", asked, needs="the scope read:repository")
        return [_request(each) async for each in pages]

    async def comment(self, repository: str, number: int, text: str, comment_id: str | None) -> str:
        body = {"body": text}
        if comment_id is not None:
            path = f"/repos/{repository}/issues/comments/{comment_id}"
            reply = await self._api.ask("PATCH", path, body, needs=_COMMENTS, fine=(_NOT_FOUND,))
            if reply.status != _NOT_FOUND:
                return comment_id
        path = f"/repos/{repository}/issues/{number}/comments"
        return str(self._api.field((await self._api.ask("POST", path, body, needs=_COMMENTS)).body, "id"))


def _request(given: dict[str, Any]) -> RequestChange:
    head, base = given["head"], given["base"]
    return RequestChange(
        number=given["number"],
        move=RequestMove.UPDATED,
        head_ref=head["ref"],
        head_commit=head["sha"],
        base_ref=base["ref"],
        fork=head.get("repo_id") != base.get("repo_id"),
        title=given.get("title") or "",
        author=(given.get("user") or {}).get("login", ""),
        url=given.get("html_url") or "",
    )
