"""A trust names a repository, and names change hands: whoever is renamed or deleted leaves a name that others may take.

So the first job that comes binds the trust to the provider's own number of its repository (`repository_id` of GitHub,
`project_id` of GitLab), which is never given again.
"""

from sqlmodel import Session, col, select

from slipyard.domain.ci_identity import CiJob
from slipyard.domain.errors import InsufficientScope
from slipyard.pipeline.context import Context
from slipyard.store.events import record
from slipyard.store.tables import App, CiTrust


def bind_repository(session: Session, context: Context, app: App, job: CiJob) -> None:
    """All trusts of the app in this repository, or the second of them would let in whom the first refuses.

    `InsufficientScope` where one of them is bound to another repository of the name, or the job does not say which it is.
    """
    rows = _named(session, app, job)
    bound = sorted({row.repository_id for row in rows if row.repository_id is not None} - {job.repository_id})
    if bound:
        raise InsufficientScope(_why_not(app, job, bound[0]))
    if not job.repository_id:
        return
    fresh = [row for row in rows if row.repository_id is None]
    for row in fresh:
        row.repository_id = job.repository_id
        session.add(row)
    if fresh:
        message = f"CI jobs of {job.repository} are those of its repository {job.repository_id} from now on."
        record(session, app.id, "ci_trust.bound", message, now=context.clock.now())


def _named(session: Session, app: App, job: CiJob) -> list[CiTrust]:
    """Locked: of two that come first at once, one binds and the other is compared with it."""
    query = select(CiTrust).where(CiTrust.app_id == app.id, CiTrust.issuer == job.issuer).order_by(col(CiTrust.id))
    rows = session.exec(query.with_for_update().execution_options(populate_existing=True))
    return [row for row in rows if row.repository.casefold() == job.repository.casefold()]


def _why_not(app: App, job: CiJob, bound: str) -> str:
    came = f"this job is of repository {job.repository_id}" if job.repository_id else "this job does not say its own"
    return (
        f"{job.repository} was repository {bound} when its first job deployed {app.slug}, and {came}: the name has changed"
        f" hands, or the repository was made anew. If that is meant, remove the trusts in it and add them again"
        f" (`slipyard ci-trust list --app {app.slug}`)."
    )
