"""GitHub and GitHub Enterprise Server, by the REST API of version 2022-11-28 (docs.github.com/rest)."""

import json
from typing import Any

from slipyard.clients.code_hosts.code_host import CommitStatus, HostedDeployment, HostedHook, State
from slipyard.clients.code_hosts.host_api import HostApi
from slipyard.clients.code_hosts.key_text import same_key
from slipyard.clients.code_hosts.refusals import check_rights
from slipyard.clients.outside_http import OutsideHttp
from slipyard.domain.announcement import RequestChange, RequestMove

_STATES = {
    State.PENDING: "pending",
    State.SUCCESS: "success",
    State.FAILURE: "failure",
    State.CANCELLED: "error",
    State.SKIPPED: "success",  # there is no grey; red would say that the commit is broken
}
_EVENTS = ["push", "status", "check_run"]
_MOST_DESCRIPTION = 140
_MOST_PER_PAGE = 100
_STATUSES = "the right to write commit statuses (classic token: repo:status)"
_HOOKS = "the right to write webhooks (classic token: admin:repo_hook), and admin access to the repository"
_KEYS = "the right to write administration (classic token: repo), and admin access to the repository"
_REQUESTS = "the right to write pull requests (classic token: repo)"
_DEPLOYMENTS = "the right to write deployments (classic token: repo_deployment)"
_GONE = (404, 410)
_NAME = "slipyard_deployment"  # in the payload of a deployment


class GitHub:
    def __init__(self, http: OutsideHttp, api_url: str, token: str) -> None:
        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "Authorization": f"Bearer {token}",
        }
        self._api = HostApi(http, "GitHub", api_url, headers)

    async def account(self) -> str:
        return str(self._api.field((await self._api.ask("GET", "/user")).body, "login"))

    async def check_repository(self, repository: str) -> None:
        found = (await self._api.ask("GET", f"/repos/{repository}", needs="access to the repository")).body
        check_rights(found, repository, self._api.name)

    async def set_status(self, repository: str, status: CommitStatus) -> None:
        body = {
            "state": _STATES[status.state],
            "context": status.context,
            "description": status.description[:_MOST_DESCRIPTION],
            **({"target_url": status.url} if status.url else {}),
        }
        await self._api.ask("POST", f"/repos/{repository}/statuses/{status.commit}", body, needs=_STATUSES)

    async def create_hook(self, repository: str, hook: HostedHook) -> str:
        path = f"/repos/{repository}/hooks"
        config = {"url": hook.url, "content_type": "json", "secret": hook.secret, "insecure_ssl": "0"}
        events = [*_EVENTS, *(["pull_request"] if hook.requests else [])]
        body = {"active": True, "events": events, "config": config}
        async for each in self._api.pages(path, {"per_page": _MOST_PER_PAGE}, needs=_HOOKS):
            if each.get("config", {}).get("url") == hook.url:
                await self._api.ask("PATCH", f"{path}/{each['id']}", body, needs=_HOOKS)
                return str(each["id"])
        reply = await self._api.ask("POST", path, {"name": "web", **body}, needs=_HOOKS)
        return str(self._api.field(reply.body, "id"))

    async def delete_hook(self, repository: str, hook_id: str) -> None:
        await self._api.ask("DELETE", f"/repos/{repository}/hooks/{hook_id}", needs=_HOOKS, fine=_GONE)

    async def add_deploy_key(self, repository: str, title: str, public_key: str) -> str:
        path = f"/repos/{repository}/keys"
        async for each in self._api.pages(path, {"per_page": _MOST_PER_PAGE}, needs=_KEYS):
            if same_key(each.get("key"), public_key):
                return str(each["id"])
        body = {"title": title, "key": public_key, "read_only": True}
        return str(self._api.field((await self._api.ask("POST", path, body, needs=_KEYS)).body, "id"))

    async def delete_deploy_key(self, repository: str, key_id: str) -> None:
        await self._api.ask("DELETE", f"/repos/{repository}/keys/{key_id}", needs=_KEYS, fine=_GONE)

    async def open_requests(self, repository: str) -> list[RequestChange]:
        path, asked = f"/repos/{repository}/pulls", {"state": "open", "per_page": _MOST_PER_PAGE}
        return [_request(each) async for each in self._api.pages(path, asked, needs=_REQUESTS)]

    async def comment(self, repository: str, number: int, text: str, comment_id: str | None) -> str:
        if comment_id is not None:
            path = f"/repos/{repository}/issues/comments/{comment_id}"
            reply = await self._api.ask("PATCH", path, {"body": text}, needs=_REQUESTS, fine=_GONE)
            if reply.status not in _GONE:
                return comment_id
        path = f"/repos/{repository}/issues/{number}/comments"
        return str(self._api.field((await self._api.ask("POST", path, {"body": text}, needs=_REQUESTS)).body, "id"))

    async def find_deployment(self, repository: str, wanted: HostedDeployment) -> str | None:
        asked = {"sha": wanted.commit, "environment": wanted.environment, "per_page": _MOST_PER_PAGE}
        async for each in self._api.pages(f"/repos/{repository}/deployments", asked, needs=_DEPLOYMENTS):
            if _name_in(each.get("payload")) == wanted.name:
                return str(self._api.field(each, "id"))
        return None

    async def create_deployment(self, repository: str, wanted: HostedDeployment) -> str:
        """Without merging the default branch in and without waiting for statuses, ours among them."""
        body = {
            "ref": wanted.commit,
            "environment": wanted.environment,
            "description": wanted.description[:_MOST_DESCRIPTION],
            "payload": {_NAME: wanted.name},
            "auto_merge": False,
            "required_contexts": [],
        }
        reply = await self._api.ask("POST", f"/repos/{repository}/deployments", body, needs=_DEPLOYMENTS)
        return str(self._api.field(reply.body, "id"))

    async def set_deployment_status(
        self, repository: str, deployment_id: str, state: str, url: str, log_url: str
    ) -> None:
        given = {"state": state, "environment_url": url, "log_url": log_url}
        path = f"/repos/{repository}/deployments/{deployment_id}/statuses"
        await self._api.ask("POST", path, {name: value for name, value in given.items() if value}, needs=_DEPLOYMENTS)


def _name_in(payload: Any) -> Any:
    """GitHub gives it as it was sent, or as the text of it (docs.github.com/rest/deployments/deployments)."""
    if isinstance(payload, str):
        try:
            payload = json.loads(payload)
        except ValueError:
            return None
    return payload.get(_NAME) if isinstance(payload, dict) else None


def _request(given: dict[str, Any]) -> RequestChange:
    """A head whose repository is gone is null; it was a fork."""
    head, base = given["head"], given["base"]
    return RequestChange(
        number=given["number"],
        move=RequestMove.UPDATED,
        head_ref=head["ref"],
        head_commit=head["sha"],
        base_ref=base["ref"],
        fork=(head.get("repo") or {}).get("id") != (base.get("repo") or {}).get("id"),
        title=given.get("title") or "",
        author=(given.get("user") or {}).get("login", ""),
        url=given.get("html_url") or "",
    )
