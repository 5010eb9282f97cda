"""What a preview is, without a database: its name, where its commits lie, and what it takes over from its app."""

import re
from urllib.parse import urlsplit

from slipyard.domain.app import AppConfig
from slipyard.domain.service import ServiceConfig
from slipyard.domain.source import SourceType
from slipyard.domain.triggers import Triggers

FIRST_BRANCH_NUMBER = 1_000_001  # previews of a branch without a request: never the number of a request
_LONGEST_SLUG = 48
_FULL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}/[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_REQUEST_REFS = {
    "github": "refs/pull/{}/head",
    "gitea": "refs/pull/{}/head",
    "forgejo": "refs/pull/{}/head",
    "gitlab": "refs/merge-requests/{}/head",
    "bitbucket-server": "refs/pull-requests/{}/from",
}


def holding_ref(provider: str, number: int, head_ref: str) -> str:
    """Whole name of the ref that holds a request's head, in the repository that the request would go into.

    Where the host keeps none (Bitbucket Cloud, Azure DevOps), it is the source branch, of a fork in the fork itself.
    """
    return _REQUEST_REFS.get(provider, f"refs/heads/{head_ref}").format(number)


def holds_forks(provider: str) -> bool:
    return provider in _REQUEST_REFS


def unreadable_fork(provider: str) -> str:
    return f"{provider} keeps the commits of a fork in the fork alone, and does not say where that is: no preview."


def fork_url(repo_url: str | None, fork_repository: str) -> str | None:
    """Where everybody may read a fork at the host of `repo_url`; None where its name is none, or is no owner/name."""
    if not repo_url or not _FULL_NAME.fullmatch(fork_repository) or ".." in fork_repository:
        return None
    host = urlsplit(repo_url)
    scheme, port = (host.scheme, host.port) if host.scheme in {"http", "https"} else ("https", None)
    named = f"[{host.hostname}]" if ":" in (host.hostname or "") else host.hostname
    return f"{scheme}://{named}{f':{port}' if port else ''}/{fork_repository}.git"


def is_same_commit(whole: str, given: str) -> bool:
    """Bitbucket Cloud abbreviates the commits of its requests to 12 digits."""
    return bool(given) and whole.startswith(given)


def closed_reason(number: int) -> str:
    return f"Request {number} was closed or merged."


def not_open_reason(number: int) -> str:
    return f"Request {number} is not open any more."


def preview_slug(parent: str, number: int, head_ref: str) -> str:
    """`shop-pr-7`, or `shop-feature-login` for a branch without a request; the app's name gives way to the length."""
    if number < FIRST_BRANCH_NUMBER:
        return _joined(parent, f"pr-{number}")
    return _joined(parent, re.sub(r"[^a-z0-9]+", "-", head_ref.lower()).strip("-")[:24].strip("-") or "branch")


def _joined(parent: str, end: str) -> str:
    return f"{parent[: _LONGEST_SLUG - 1 - len(end)].rstrip('-')}-{end}"


def preview_config(parent: AppConfig, head_ref: str, *, fork: bool, own_url: str | None = None) -> AppConfig:
    """The app's own, on one instance, with no triggers and no secrets of the build; a fork gets no build arguments too.

    `own_url`: of a fork that is read itself, as everybody may: the app's credential is not for it.
    """
    elsewhere = {} if own_url is None else {"repo_url": own_url, "credential_id": None}
    source = parent.source.model_copy(
        update={
            "type": SourceType.GIT,
            "branch": head_ref,
            "build_secrets": [],
            "build_args": {} if fork else parent.source.build_args,
            **elsewhere,
        }
    )
    return parent.model_copy(
        update={
            "source": source,
            "min_instances": 1,
            "max_instances": 1,
            "auto_deploy": False,
            "watch_paths": [],
            "triggers": Triggers(),
            "services": {name: _of_preview(service, fork=fork) for name, service in parent.services.items()},
        }
    )


def _of_preview(service: ServiceConfig, *, fork: bool) -> ServiceConfig:
    """One of each; what is for one service alone may be a password, and is nothing for a fork."""
    told = service.model_copy(update={"replicas": None if service.replicas is None else min(1, service.replicas)})
    return told.model_copy(update={"env": None, "secret_files": None}) if fork else told


def preview_env(parent: AppConfig, env: dict[str, str], *, fork: bool) -> dict[str, str]:
    """Only what `triggers.previews.env_vars` names, and nothing for a fork."""
    names = () if fork else parent.triggers.previews.env_vars
    return {name: env[name] for name in names if name in env}
