"""A locked app takes deployments and lets them wait, until somebody unlocks it."""

from sqlmodel import Session, col, select

from slipyard.domain.actor import Actor
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.rollout.holds import lock_sentence, put_on_hold, wake_held
from slipyard.pipeline.stop_app import ActionDone
from slipyard.store.events import record
from slipyard.store.queries.deployments import WAITING
from slipyard.store.tables import App, Deployment


async def lock_app(context: Context, app_id: str, reason: str, actor: Actor) -> ActionDone:
    """What is being rolled out goes on. Again with another reason says that one from then on."""

    def lock(session: Session) -> ActionDone:
        app = changeable_app(session, app_id)
        if app.locked_at is not None and (app.lock_reason, app.locked_by) == (reason, actor.name):
            return ActionDone(lock_sentence(app), changed=False)
        now = context.clock.now()
        app.locked_at, app.locked_by, app.lock_reason = now, actor.name, reason
        session.add(app)
        session.flush()
        record(session, app_id, "app.locked", lock_sentence(app), now=now)
        for row in _waiting(session, app):
            put_on_hold(session, app, row, now)
        return ActionDone(lock_sentence(app))

    return await context.database.writing(lock)


async def unlock_app(context: Context, app_id: str, actor: Actor) -> ActionDone:
    def unlock(session: Session) -> ActionDone:
        app = changeable_app(session, app_id)
        if app.locked_at is None:
            return ActionDone(f"{app.slug} is not locked.", changed=False)
        app.locked_at = app.locked_by = app.lock_reason = None
        session.add(app)
        session.flush()
        record(session, app_id, "app.unlocked", f"{actor.name} unlocked the app.", now=context.clock.now())
        return ActionDone(f"{app.slug} is unlocked.")

    done = await context.database.writing(unlock)
    if done.changed:
        await wake_held(context, app_id)
    return done


def _waiting(session: Session, app: App) -> list[Deployment]:
    query = select(Deployment).where(Deployment.app_id == app.id, col(Deployment.status).in_(WAITING))
    return list(session.exec(query.where(col(Deployment.claim_token).is_(None))).all())
