"""What providers send, by the words of their documentation: headers and a body for each event that says something to us.

GitHub is not among them: of it there are real examples.
"""

from dataclasses import dataclass, field
from typing import Any

OLD, NEW, OTHER = "a" * 40, "b" * 40, "c" * 40
NONE = "0" * 40


@dataclass(frozen=True)
class Message:
    provider: str
    headers: dict[str, str]
    body: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)


def commit(name: str, message: str = "Change", **files: list[str]) -> dict[str, Any]:
    return {"id": name, "message": message, "added": [], "modified": [], "removed": []} | files


def gitlab(event: str, **body: Any) -> Message:
    project = {"id": 15, "path_with_namespace": "mike/diaspora"}
    headers = {"x-gitlab-event": event, "idempotency-key": "f5e57a05-d4cd-4a5a-9ca5-5fcd7c8b5c5c"}
    return Message("gitlab", headers, {"user_username": "jsmith", "project": project} | body)


GITLAB_PUSH = gitlab(
    "Push Hook",
    object_kind="push",
    ref="refs/heads/main",
    before=OLD,
    after=NEW,
    checkout_sha=NEW,
    commits=[commit(OTHER, "First", added=["CHANGELOG"]), commit(NEW, "Fix it [skip ci]", modified=["app/x.rb"])],
    total_commits_count=2,
)
GITLAB_MERGE_REQUEST = gitlab(
    "Merge Request Hook",
    object_kind="merge_request",
    user={"username": "root"},
    user_username=None,
    object_attributes={
        "iid": 7,
        "action": "open",
        "source_branch": "ms-viewport",
        "target_branch": "main",
        "source_project_id": 14,
        "target_project_id": 14,
        "title": "MS-Viewport",
        "url": "https://example.com/diaspora/merge_requests/7",
        "last_commit": {"id": NEW},
    },
)
GITLAB_PIPELINE = gitlab(
    "Pipeline Hook",
    object_kind="pipeline",
    object_attributes={
        "id": 31,
        "iid": 3,
        "name": "Tests",
        "ref": "main",
        "tag": False,
        "sha": NEW,
        "status": "success",
    },
)
GITLAB_JOB = gitlab(
    "Job Hook", object_kind="build", ref="main", tag=False, sha=NEW, build_name="test", build_status="failed"
)


def gitea(event: str, provider: str = "gitea", **body: Any) -> Message:
    headers = {f"x-{provider}-event": event, f"x-{provider}-delivery": "f6266f16-1bf3-46a5-9ea4-602e06ead473"}
    shared = {"repository": {"full_name": "gitea/webhooks"}, "sender": {"login": "gitea"}}
    return Message(provider, headers, shared | body)


GITEA_PUSH = gitea(
    "push",
    ref="refs/heads/main",
    before=OLD,
    after=NEW,
    total_commits=1,
    commits=[commit(NEW, "Webhooks Yay!", added=["README.md"])],
    head_commit=commit(NEW, "Webhooks Yay!"),
)
GITEA_DELETE = gitea("delete", ref="old/branch", ref_type="branch", pusher_type="user")
GITEA_PULL_REQUEST = gitea(
    "pull_request",
    action="synchronized",
    number=3,
    pull_request={
        "number": 3,
        "title": "Better",
        "html_url": "https://try.gitea.io/gitea/webhooks/pulls/3",
        "user": {"login": "ann"},
        "base": {"ref": "main", "sha": OLD, "repo": {"full_name": "gitea/webhooks"}},
        "head": {"ref": "better", "sha": NEW, "repo": {"full_name": "ann/webhooks"}},
    },
)
GITEA_STATUS = gitea("status", sha=NEW, context="ci/woodpecker", state="success")
GITEA_RUN = gitea(
    "workflow_run",
    action="completed",
    workflow={"name": "test.yml"},
    workflow_run={"head_sha": NEW, "head_branch": "main", "conclusion": "failure", "status": "completed"},
)
FORGEJO_PUSH = Message(
    "forgejo",
    {"x-forgejo-event": "push", "x-forgejo-delivery": "8c7b", "x-gitea-event": "push", "x-github-event": "push"},
    GITEA_PUSH.body,
)
FORGEJO_RUN = gitea(
    "action_run_success",
    "forgejo",
    action="success",
    run={"workflow_id": "test.yml", "prettyref": "main", "commit_sha": NEW, "status": "success"},
)


def bitbucket(event: str, **body: Any) -> Message:
    headers = {"x-event-key": event, "x-request-uuid": "3a9f0e2b-b1d6-4f09-8b52-fa1b45b2c1f2", "x-attempt-number": "1"}
    shared = {"actor": {"nickname": "ann", "display_name": "Ann"}, "repository": {"full_name": "team/site"}}
    return Message("bitbucket", headers, shared | body)


def side(name: str, head: str, kind: str = "branch") -> dict[str, Any]:
    return {"type": kind, "name": name, "target": {"type": "commit", "hash": head, "message": f"To {name}"}}


BITBUCKET_PUSH = bitbucket(
    "repo:push",
    push={
        "changes": [
            {"new": side("main", NEW), "old": side("main", OLD), "forced": True, "truncated": False, "commits": []},
            {"new": None, "old": side("gone", OLD), "closed": True, "forced": False},
            {"new": side("v1", OTHER, "annotated_tag"), "old": None, "created": True, "forced": False},
            {"new": side("strange", OTHER, "named_branch"), "old": None},
        ]
    },
)
BITBUCKET_REQUEST = bitbucket(
    "pullrequest:created",
    pullrequest={
        "id": 9,
        "title": "Better",
        "state": "OPEN",
        "author": {"nickname": "ann"},
        "source": {"branch": {"name": "better"}, "commit": {"hash": NEW[:12]}, "repository": {"full_name": "ann/site"}},
        "destination": {
            "branch": {"name": "main"},
            "commit": {"hash": OLD[:12]},
            "repository": {"full_name": "team/site"},
        },
        "links": {"html": {"href": "https://bitbucket.org/team/site/pull-requests/9"}},
    },
)
BITBUCKET_STATUS = bitbucket(
    "repo:commit_status_updated",
    commit_status={
        "key": "ci",
        "name": "Unit tests",
        "state": "SUCCESSFUL",
        "refname": "main",
        "links": {"commit": {"href": f"https://api.bitbucket.org/2.0/repositories/team/site/commit/{NEW}"}},
    },
)


def data_center(event: str, **body: Any) -> Message:
    headers = {"x-event-key": event, "x-request-id": "4b0ff1b7-2b62-4f0c-8c3b-1f0f8f6a3f58"}
    return Message("bitbucket-server", headers, {"eventKey": event, "actor": {"name": "admin"}} | body)


SITE = {"slug": "site", "project": {"key": "PROJ"}}
DATA_CENTER_PUSH = data_center(
    "repo:refs_changed",
    repository=SITE,
    changes=[
        {"ref": {"id": "refs/heads/main"}, "fromHash": OLD, "toHash": NEW, "type": "UPDATE"},
        {"ref": {"id": "refs/heads/old"}, "fromHash": OLD, "toHash": NONE, "type": "DELETE"},
        {"ref": {"id": "refs/tags/v1"}, "fromHash": NONE, "toHash": OTHER, "type": "ADD"},
    ],
    toCommit={"id": NEW, "message": "Better"},
)
DATA_CENTER_REQUEST = data_center(
    "pr:from_ref_updated",
    pullRequest={
        "id": 11,
        "title": "Better",
        "fromRef": {"displayId": "better", "latestCommit": NEW, "repository": SITE},
        "toRef": {"displayId": "main", "latestCommit": OLD, "repository": SITE},
        "author": {"user": {"name": "ann"}},
        "links": {"self": [{"href": "https://bitbucket.example.com/pull-requests/11"}]},
    },
)
DATA_CENTER_PING = data_center("diagnostics:ping", test=True)


def azure(event: str, **resource: Any) -> Message:
    repository = {"name": "Fabrikam-Fiber-Git", "project": {"name": "Fabrikam"}}
    body = {"id": "03c164c2-8912-4d5e-8009-3707d5f83734", "eventType": event, "publisherId": "tfs"}
    pushed_by = {"displayName": "Jamal Hartnett"}
    return Message(
        "azure-devops", {}, body | {"resource": {"repository": repository, "pushedBy": pushed_by} | resource}
    )


AZURE_PUSH = azure(
    "git.push",
    commits=[{"commitId": NEW, "comment": "Fixed bug in web.config file"}],
    refUpdates=[
        {"name": "refs/heads/main", "oldObjectId": OLD, "newObjectId": NEW},
        {"name": "refs/heads/old", "oldObjectId": OLD, "newObjectId": NONE},
    ],
)
AZURE_EMPTY_PUSH = azure("git.push", refUpdates=[])
AZURE_REQUEST = azure(
    "git.pullrequest.created",
    pullRequestId=7,
    status="active",
    createdBy={"displayName": "ann"},
    title="Better",
    sourceRefName="refs/heads/feature/better",
    targetRefName="refs/heads/main",
    mergeStatus="succeeded",
    lastMergeSourceCommit={"commitId": NEW},
    url="https://dev.azure.com/team/_apis/git/repositories/site/pullRequests/7",
)

DOCKER_HUB_PUSH = Message(
    "dockerhub",
    {},
    {
        "callback_url": "https://registry.hub.docker.com/u/team/site/hook/2141b5bi5i5b02bec211i4eeih0242eg11000a/",
        "push_data": {"pushed_at": 1417566161, "pusher": "ann", "tag": "v2"},
        "repository": {"repo_name": "team/site", "name": "site", "namespace": "team"},
    },
)

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DIGEST = f"sha256:{'d' * 64}"


def registry_event(action: str, kind: str = MANIFEST, **target: Any) -> dict[str, Any]:
    return {
        "id": "320678d8-ca14-430f-8bb6-4ca139cd83f7",
        "action": action,
        "target": {"mediaType": kind, "digest": DIGEST, "repository": "team/site"} | target,
        "request": {"host": "registry.example.com:5000", "method": "PUT"},
        "actor": {"name": "ann"},
    }


REGISTRY_EVENTS = Message(
    "registry",
    {"content-type": "application/vnd.docker.distribution.events.v1+json"},
    {
        "events": [
            registry_event("pull", tag="v1"),
            registry_event("push", "application/octet-stream"),
            registry_event("push", tag="v2"),
            registry_event("push", tag="v2"),
            registry_event("push"),
        ]
    },
)
REGISTRY_PULL = Message("registry", {}, {"events": [registry_event("pull", tag="v1")]})

GENERIC_PUSH = Message(
    "generic",
    {},
    {"build": {"branch": "main", "revision": NEW, "note": "Better"}, "number": 12},
    {
        "header": "X-Our-Signature",
        "fields": {
            "ref": "/build/branch",
            "commit": "/build/revision",
            "message": "/build/note",
            "delivery_id": "/number",
        },
    },
)
GENERIC_IMAGE = Message(
    "generic",
    {},
    {"artifacts": [{"name": "registry.example.com/team/site", "tag": "v3", "sha": DIGEST}]},
    {
        "scheme": "token",
        "fields": {"image": "/artifacts/0/name", "tag": "/artifacts/0/tag", "digest": "/artifacts/0/sha"},
    },
)

ALL: dict[str, Message] = {name: found for name, found in globals().items() if isinstance(found, Message)}
