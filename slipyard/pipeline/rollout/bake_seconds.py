"""How long a deployment is watched after the switch."""

from sqlmodel import Session

from slipyard.store.tables import Deployment, Release


def bake_seconds(session: Session, now: Deployment, before: Deployment | None) -> float:
    """0 where there is nothing to go back to that is better: only a newer release is watched against an older one."""
    if before is None or before.evidence is not None or now.release_id is None or before.release_id is None:
        return 0.0
    new, old = session.get_one(Release, now.release_id), session.get_one(Release, before.release_id)
    return new.config.rollout.bake_seconds if new.number > old.number else 0.0
