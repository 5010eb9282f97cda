"""All that a rollout needs from the database, read at once."""

from dataclasses import dataclass, field

from sqlmodel import Session

from slipyard.deployer.driver import EngineVolume
from slipyard.domain.configuration import SecretFile
from slipyard.domain.release import ReleaseConfig
from slipyard.pipeline.context import Context
from slipyard.pipeline.volumes.make_volumes import engine_volumes
from slipyard.store.environment import open_env, open_files, split_env
from slipyard.store.tables import App, Deployment, Release, RouteRow


@dataclass(frozen=True)
class Rollout:
    deployment_id: str
    app_id: str
    slug: str
    host: str
    published: bool
    release_id: str
    release_number: int
    config: ReleaseConfig
    env: dict[str, str] = field(repr=False)  # of the app; what runs none of its code is not given them
    own_env: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)  # by service; wins
    files: tuple[SecretFile, ...] = field(default=(), repr=False)
    volumes: dict[str, EngineVolume] = field(default_factory=dict)  # by name: what they are now, whatever the release

    @property
    def replicas(self) -> int:
        return sum(service.replicas for service in self.config.services)


def load_rollout(session: Session, context: Context, deployment_id: str) -> Rollout:
    deployment = session.get_one(Deployment, deployment_id)
    app = session.get_one(App, deployment.app_id)
    release = session.get_one(Release, deployment.release_id)
    env, own_env = split_env(open_env(context.cipher, release.env_encrypted))
    return Rollout(
        deployment_id=deployment.id,
        app_id=app.id,
        slug=app.slug,
        host=app.host,
        published=session.get(RouteRow, app.id) is not None,
        release_id=release.id,
        release_number=release.number,
        config=release.config.scaled(app.scaled_to),
        env=env,
        own_env=own_env,
        files=open_files(context.cipher, release.files_encrypted),
        volumes=engine_volumes(session, app.id) if any(each.mounts for each in release.config.services) else {},
    )
