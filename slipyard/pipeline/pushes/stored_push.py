"""What became of a push to an app's own remote, once receive-pack has stored it: told by its receiver, or by whoever finds
it later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slipyard.clients.git import Tip
from slipyard.domain.ref_update import RefUpdate
from slipyard.pipeline.context import Context
from slipyard.pipeline.previews.open_preview import open_branch_preview
from slipyard.pipeline.pushes.push_seen import OWN_REMOTE, PushDecision, PushSeen
from slipyard.pipeline.pushes.receive_push import NO_COMMIT
from slipyard.store.tables import App

NO_CACHE, PREVIEW = "no-cache", "preview"


@dataclass(frozen=True)
class AskedPush:
    """As the client asked: `options` are those of `git push -o`."""

    app_id: str
    actor_name: str
    updates: Sequence[RefUpdate]
    options: Sequence[str] = ()


@dataclass(frozen=True)
class StoredPush:
    """`previews`: branches of which `-o preview` wants one."""

    pushes: Sequence[PushSeen]
    previews: Sequence[RefUpdate]


def stored_push(app: App, asked: AskedPush, tips: Mapping[str, Tip]) -> StoredPush:
    """Only of refs that still stand where this push has put them."""
    stored = {ref: tip.stored for ref, tip in tips.items()}
    taken = [update for update in asked.updates if update.is_taken(stored)]
    previews = [update for update in taken if _is_preview(app, asked, update)]
    return StoredPush([_seen(asked, update, tips) for update in taken if update not in previews], previews)


async def show_branch(context: Context, asked: AskedPush, update: RefUpdate) -> PushDecision:
    """`Conflict` and others where it cannot be shown."""
    branch = update.branch or ""
    _, shown = await open_branch_preview(context, asked.app_id, branch, update.new, asked.actor_name)
    found = shown.deployment
    return PushDecision("deployed" if found else "ignored", shown.message, deployment_id=found.id if found else None)


def _is_preview(app: App, asked: AskedPush, update: RefUpdate) -> bool:
    own = update.branch in {None, app.config.source.branch}
    return PREVIEW in asked.options and not own and not update.deletes


def _seen(asked: AskedPush, update: RefUpdate, tips: Mapping[str, Tip]) -> PushSeen:
    return PushSeen(
        app_id=asked.app_id,
        ref=update.ref,
        commit=NO_COMMIT if update.deletes else tips[update.ref].commit,
        previous=update.old,
        trigger=OWN_REMOTE,
        actor_name=asked.actor_name,
        no_cache=NO_CACHE in asked.options,
    )
