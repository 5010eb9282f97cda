"""GitLab, by its REST API v4 (docs.gitlab.com/api): gitlab.com and installations of one's own."""

from typing import Any
from urllib.parse import quote

from slipyard.clients.code_hosts.code_host import CommitStatus, HostedHook, State
from slipyard.clients.code_hosts.host_api import HostApi
from slipyard.clients.code_hosts.key_text import same_key
from slipyard.clients.outside_http import OutsideHttp
from slipyard.domain.announcement import RequestChange, RequestMove
from slipyard.domain.errors import CodeHostRefused

_STATES = {
    State.PENDING: "running",
    State.SUCCESS: "success",
    State.FAILURE: "failed",
    State.CANCELLED: "canceled",
    State.SKIPPED: "canceled",
}
_MOST_DESCRIPTION = 255
_MOST_PER_PAGE = 100
_MAINTAINER = 40
_API = "a token with the scope api and the role Developer or above"
_ADMIN = "a token with the scope api and the role Maintainer"
# How it says that a status has this very state already; it is said with 400.
_SAME_STATE = "Cannot transition status"
_BAD_REQUEST, _NOT_FOUND = 400, 404


class GitLab:
    def __init__(self, http: OutsideHttp, api_url: str, token: str) -> None:
        self._api = HostApi(http, "GitLab", api_url, {"PRIVATE-TOKEN": token})

    async def account(self) -> str:
        return str(self._api.field((await self._api.ask("GET", "/user", needs="the scope api")).body, "username"))

    async def check_repository(self, repository: str) -> None:
        found = (await self._api.ask("GET", _project(repository), needs=_API)).body
        rights = found.get("permissions") if isinstance(found, dict) else None
        if isinstance(rights, dict) and _access_level(rights) < _MAINTAINER:
            raise CodeHostRefused(
                f"This token sees {repository} at GitLab and is no Maintainer there, so that it can make neither "
                "webhook nor deploy key. Use a token with the role Maintainer and the scope api."
            )

    async def set_status(self, repository: str, status: CommitStatus) -> None:
        """A status that is running already keeps its first description: GitLab takes no state twice."""
        body = {
            "state": _STATES[status.state],
            "name": status.context,
            "description": status.description[:_MOST_DESCRIPTION],
            **({"target_url": status.url} if status.url else {}),
        }
        path = f"{_project(repository)}/statuses/{status.commit}"
        reply = await self._api.ask("POST", path, body, needs=_API, fine=(_BAD_REQUEST,))
        if reply.status == _BAD_REQUEST and _SAME_STATE not in str(reply.body):
            raise CodeHostRefused(f"GitLab does not accept the status of {status.commit[:12]}: {reply.body}"[:400])

    async def create_hook(self, repository: str, hook: HostedHook) -> str:
        path = f"{_project(repository)}/hooks"
        body = {
            "url": hook.url,
            "token": hook.secret,
            "push_events": True,
            "tag_push_events": True,
            "pipeline_events": True,
            "merge_requests_events": hook.requests,
            "enable_ssl_verification": True,
        }
        async for each in self._api.pages(path, {"per_page": _MOST_PER_PAGE}, needs=_ADMIN):
            if each.get("url") == hook.url:
                await self._api.ask("PUT", f"{path}/{each['id']}", body, needs=_ADMIN)
                return str(each["id"])
        return str(self._api.field((await self._api.ask("POST", path, body, needs=_ADMIN)).body, "id"))

    async def delete_hook(self, repository: str, hook_id: str) -> None:
        await self._api.ask("DELETE", f"{_project(repository)}/hooks/{hook_id}", needs=_ADMIN, fine=(_NOT_FOUND,))

    async def add_deploy_key(self, repository: str, title: str, public_key: str) -> str:
        path = f"{_project(repository)}/deploy_keys"
        async for each in self._api.pages(path, {"per_page": _MOST_PER_PAGE}, needs=_ADMIN):
            if same_key(each.get("key"), public_key):
                return str(each["id"])
        body = {"title": title, "key": public_key, "can_push": False}
        return str(self._api.field((await self._api.ask("POST", path, body, needs=_ADMIN)).body, "id"))

    async def delete_deploy_key(self, repository: str, key_id: str) -> None:
        await self._api.ask("DELETE", f"{_project(repository)}/deploy_keys/{key_id}", needs=_ADMIN, fine=(_NOT_FOUND,))

    async def open_requests(self, repository: str) -> list[RequestChange]:
        asked = {"state": "opened", "scope": "all", "per_page": _MOST_PER_PAGE}
        return [_request(each) async for each in self._api.pages(_requests(repository), asked, needs=_API)]

    async def comment(self, repository: str, number: int, text: str, comment_id: str | None) -> str:
        path, body = f"{_requests(repository)}/{number}/notes", {"body": text}
        if comment_id is not None:
            reply = await self._api.ask("PUT", f"{path}/{comment_id}", body, needs=_API, fine=(_NOT_FOUND,))
            if reply.status != _NOT_FOUND:
                return comment_id
        return str(self._api.field((await self._api.ask("POST", path, body, needs=_API)).body, "id"))


def _project(repository: str) -> str:
    """The whole path of a project is one segment."""
    return f"/projects/{quote(repository, safe='')}"


def _requests(repository: str) -> str:
    return f"{_project(repository)}/merge_requests"


def _access_level(rights: dict[str, Any]) -> int:
    """The higher of what the project and its group give."""
    given = [rights.get(name) or {} for name in ("project_access", "group_access")]
    return max(int(each.get("access_level") or 0) for each in given)


def _request(given: dict[str, Any]) -> RequestChange:
    return RequestChange(
        number=given["iid"],
        move=RequestMove.UPDATED,
        head_ref=given["source_branch"],
        head_commit=given.get("sha") or "",
        base_ref=given["target_branch"],
        fork=given.get("source_project_id") != given.get("target_project_id"),
        title=given.get("title") or "",
        author=(given.get("author") or {}).get("username", ""),
        url=given.get("web_url") or "",
    )
