"""Who a CI job is, by the claims of its identity token: GitHub Actions' and GitLab CI's."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipyard.domain.errors import Unauthorized
from slipyard.domain.globs import is_chosen

GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.com"
ISSUERS = {"github": GITHUB, "gitlab": GITLAB}
_PARTS = 3
_LONGEST_ID = 100


@dataclass(frozen=True)
class CiJob:
    """`ref` is whole (refs/heads/main). `audience` is the one that the token is for. `repository_id` is the provider's own
    number, which no other repository ever gets; empty where the issuer gives none."""

    issuer: str
    repository: str
    ref: str
    audience: str
    run: str = ""
    repository_id: str = ""

    @property
    def name(self) -> str:
        """What the history shows."""
        return f"{self.repository}{f' run {self.run}' if self.run else ''}"[:100]


@dataclass(frozen=True)
class Unverified:
    """What is needed to find the key. Nothing of it may be believed."""

    issuer: str
    key_id: str


def read_unverified(token: str) -> Unverified:
    parts = token.split(".")
    if len(parts) != _PARTS:
        raise _no_token("it has not three parts")
    header, claims = _decoded(parts[0]), _decoded(parts[1])
    issuer, key_id = claims.get("iss"), header.get("kid")
    if not isinstance(issuer, str) or not isinstance(key_id, str):
        raise _no_token("it names no issuer or no key")
    return Unverified(issuer, key_id)


def job_of(claims: Mapping[str, Any]) -> CiJob:
    """From verified claims. `Unauthorized` where they are not those of a job on a branch or tag of a repository."""
    if claims.get("event_name") == "pull_request_target":
        raise Unauthorized(
            "A job of pull_request_target runs for a request but says that it is of the branch; it may not deploy. Deploy on push."
        )
    repository = claims.get("repository") or claims.get("project_path")
    run = claims.get("run_id") or claims.get("pipeline_id") or ""
    if not isinstance(repository, str):
        raise Unauthorized(
            "This identity token names no repository: it is not one of a job of GitHub Actions or GitLab CI."
        )
    number = claims.get("repository_id") or claims.get("project_id") or ""
    return CiJob(str(claims["iss"]), repository, _ref(claims), _audience(claims), str(run), str(number)[:_LONGEST_ID])


def is_trusted(job: CiJob, repository: str, ref: str, audience: str) -> bool:
    """`ref` is a glob. Code hosts tell no upper from lower case in names of repositories."""
    same = job.repository.casefold() == repository.casefold() and job.audience == audience
    return same and is_chosen([ref], job.ref)


def _ref(claims: Mapping[str, Any]) -> str:
    """GitHub writes it whole; GitLab has a short name with its kind beside the whole one."""
    ref, kind = str(claims.get("ref") or ""), claims.get("ref_type")
    whole = claims.get("ref_path")
    if isinstance(whole, str) and whole:
        return whole
    if ref.startswith("refs/") and "project_path" not in claims:
        return ref
    return f"refs/tags/{ref}" if kind == "tag" else f"refs/heads/{ref}"


def _audience(claims: Mapping[str, Any]) -> str:
    audience = claims.get("aud")
    listed = audience if isinstance(audience, list) else [audience]
    if len(listed) != 1 or not isinstance(listed[0], str):
        raise Unauthorized("This identity token is for several audiences; ask for one that is for Slipyard alone.")
    return listed[0]


def _decoded(part: str) -> dict[str, Any]:
    try:
        found = json.loads(base64.b64decode(part + "=" * (-len(part) % 4), altchars="-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _no_token("it cannot be read") from error
    if not isinstance(found, dict):
        raise _no_token("it cannot be read")
    return found


def _no_token(why: str) -> Unauthorized:
    return Unauthorized(
        f"This is no identity token of a CI job: {why}. Ask the CI for one with Slipyard's URL as its audience."
    )
