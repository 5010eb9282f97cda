"""What a preview is, without a database: its name, where its commits lie, and what it takes over from its app."""

import re

from slipyard.domain.app import AppConfig
from slipyard.domain.source import SourceType
from slipyard.domain.triggers import Triggers

FIRST_BRANCH_NUMBER = 1_000_001  # previews of a branch without a request: never the number of a request
_LONGEST_SLUG = 48
_REQUEST_REFS = {
    "github": "refs/pull/{}/head",
    "gitea": "refs/pull/{}/head",
    "forgejo": "refs/pull/{}/head",
    "gitlab": "refs/merge-requests/{}/head",
    "bitbucket-server": "refs/pull-requests/{}/from",
}


def holding_ref(provider: str, number: int, head_ref: str) -> str:
    """Whole name of the ref that holds a request's head, in the repository that the request would go into.

    Where the host keeps none (Bitbucket), it is the source branch: commits of a fork cannot be had from there.
    """
    return _REQUEST_REFS.get(provider, f"refs/heads/{head_ref}").format(number)


def holds_forks(provider: str) -> bool:
    return provider in _REQUEST_REFS


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


def preview_config(parent: AppConfig, head_ref: str, *, fork: bool) -> AppConfig:
    """The app's own, on one instance, with no triggers and no secrets of the build; a fork gets no build arguments too."""
    source = parent.source.model_copy(
        update={
            "type": SourceType.GIT,
            "branch": head_ref,
            "build_secrets": [],
            "build_args": {} if fork else parent.source.build_args,
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
        }
    )


def preview_env(parent: AppConfig, env: dict[str, str], *, fork: bool) -> dict[str, str]:
    """Only what `triggers.previews.env_vars` names, and nothing for a fork."""
    names = () if fork else parent.triggers.previews.env_vars
    return {name: env[name] for name in names if name in env}
