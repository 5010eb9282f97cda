"""Bitbucket Cloud, by its REST API 2.0 (developer.atlassian.com/cloud/bitbucket/rest)."""

from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

from slipyard.clients.code_hosts.code_host import CommitStatus, HostedHook, State
from slipyard.clients.code_hosts.host_api import HostApi
from slipyard.clients.code_hosts.key_text import same_key
from slipyard.clients.outside_http import OutsideHttp
from slipyard.domain.announcement import RequestChange, RequestMove

_STATES = {
    State.PENDING: "INPROGRESS",
    State.SUCCESS: "SUCCESSFUL",
    State.FAILURE: "FAILED",
    State.CANCELLED: "STOPPED",
    State.SKIPPED: "STOPPED",
}
_EVENTS = ["repo:push", "repo:commit_status_created", "repo:commit_status_updated"]
_REQUEST_EVENTS = [f"pullrequest:{move}" for move in ("created", "updated", "fulfilled", "rejected")]
_MOST_DESCRIPTION = 255
_MOST_KEY = 40
_MOST_PER_PAGE = 50
_MOST_PAGES = 50
_READ = "the scope repository"
_STATUSES = "the scope repository:write"
_HOOKS = "the scope webhook, and admin access to the repository"
_KEYS = "the scope repository:admin"
_REQUESTS = "the scope pullrequest:write"
_FORBIDDEN, _NOT_FOUND = 403, 404


class Bitbucket:
    """`token` is an access token of a repository, project or workspace, or `<e-mail>:<API token>` of a person."""

    def __init__(self, http: OutsideHttp, api_url: str, token: str) -> None:
        basic = f"Basic {b64encode(token.encode()).decode()}"
        self._api = HostApi(http, "Bitbucket", api_url, {"Authorization": basic if ":" in token else f"Bearer {token}"})

    async def account(self) -> str:
        """Access tokens belong to no account: Bitbucket knows them, and answers 403 here."""
        reply = await self._api.ask("GET", "/user", fine=(_FORBIDDEN,))
        if reply.status == _FORBIDDEN:
            return "an access token"
        return str(reply.body.get("username") or reply.body.get("display_name") or "an account")

    async def check_repository(self, repository: str) -> None:
        """Its webhooks are for administrators alone, so that reading them is the proof."""
        await self._api.ask("GET", _repository(repository), needs=_READ)
        await self._api.ask("GET", f"{_repository(repository)}/hooks?pagelen=10", needs=_HOOKS)

    async def set_status(self, repository: str, status: CommitStatus) -> None:
        """Bitbucket takes none without a URL: the commit's own page stands in."""
        body = {
            "key": _key(status.context),
            "name": status.context,
            "state": _STATES[status.state],
            "description": status.description[:_MOST_DESCRIPTION],
            "url": status.url or f"https://bitbucket.org/{repository}/commits/{status.commit}",
        }
        path = f"{_repository(repository)}/commit/{status.commit}/statuses/build"
        await self._api.ask("POST", path, body, needs=_STATUSES)

    async def create_hook(self, repository: str, hook: HostedHook) -> str:
        path = f"{_repository(repository)}/hooks"
        body = {
            "description": "Slipyard",
            "url": hook.url,
            "active": True,
            "secret": hook.secret,
            "events": [*_EVENTS, *(_REQUEST_EVENTS if hook.requests else [])],
        }
        async for each in self._pages(path, {}, _HOOKS):
            if each.get("url") == hook.url:
                await self._api.ask("PUT", f"{path}/{quote(each['uuid'], safe='')}", body, needs=_HOOKS)
                return str(each["uuid"])
        return str(self._api.field((await self._api.ask("POST", path, body, needs=_HOOKS)).body, "uuid"))

    async def delete_hook(self, repository: str, hook_id: str) -> None:
        path = f"{_repository(repository)}/hooks/{quote(hook_id, safe='')}"
        await self._api.ask("DELETE", path, needs=_HOOKS, fine=(_NOT_FOUND,))

    async def add_deploy_key(self, repository: str, title: str, public_key: str) -> str:
        """Keys of a repository read only, always."""
        path = f"{_repository(repository)}/deploy-keys"
        async for each in self._pages(path, {}, _KEYS):
            if same_key(each.get("key"), public_key):
                return str(each["id"])
        body = {"label": title, "key": public_key}
        return str(self._api.field((await self._api.ask("POST", path, body, needs=_KEYS)).body, "id"))

    async def delete_deploy_key(self, repository: str, key_id: str) -> None:
        path = f"{_repository(repository)}/deploy-keys/{key_id}"
        await self._api.ask("DELETE", path, needs=_KEYS, fine=(_NOT_FOUND,))

    async def open_requests(self, repository: str) -> list[RequestChange]:
        pages = self._pages(f"{_repository(repository)}/pullrequests", {"state": "OPEN"}, _REQUESTS)
        return [_request(each) async for each in pages]

    async def comment(self, repository: str, number: int, text: str, comment_id: str | None) -> str:
        path, body = f"{_repository(repository)}/pullrequests/{number}/comments", {"content": {"raw": text}}
        if comment_id is not None:
            reply = await self._api.ask("PUT", f"{path}/{comment_id}", body, needs=_REQUESTS, fine=(_NOT_FOUND,))
            if reply.status != _NOT_FOUND:
                return comment_id
        return str(self._api.field((await self._api.ask("POST", path, body, needs=_REQUESTS)).body, "id"))

    async def _pages(self, path: str, parameters: dict[str, str], needs: str) -> AsyncIterator[Any]:
        """The next page's whole URL stands in the body."""
        url: str | None = f"{path}?{urlencode({**parameters, 'pagelen': _MOST_PER_PAGE})}"
        for _ in range(_MOST_PAGES):
            if url is None:
                return
            body = (await self._api.ask("GET", url, needs=needs)).body
            for each in self._api.listed(self._api.field(body, "values")):
                yield each
            url = body.get("next")


def _repository(repository: str) -> str:
    return f"/repositories/{quote(repository)}"


def _key(context: str) -> str:
    """At most 40 characters; a longer one keeps its beginning and stays its own by a digest."""
    return (
        context
        if len(context) <= _MOST_KEY
        else f"{context[: _MOST_KEY - 9]}-{sha256(context.encode()).hexdigest()[:8]}"
    )


def _request(given: dict[str, Any]) -> RequestChange:
    """Commits come as 12 digits. A source whose repository is gone was a fork."""
    source, destination = given["source"], given["destination"]
    from_repository, into = ((each.get("repository") or {}).get("full_name") or "" for each in (source, destination))
    return RequestChange(
        number=given["id"],
        move=RequestMove.UPDATED,
        head_ref=source["branch"]["name"],
        head_commit=(source.get("commit") or {}).get("hash", ""),
        base_ref=destination["branch"]["name"],
        fork=not into or from_repository != into,
        fork_repository="" if from_repository == into else from_repository,
        title=given.get("title") or "",
        author=(given.get("author") or {}).get("display_name", ""),
        url=((given.get("links") or {}).get("html") or {}).get("href", ""),
    )
