"""What must be true of every app at every moment, looked at where something is switched, paused or ended."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlmodel import Session, col, select

from slipyard.clients.container_engine_fake import FakeContainerEngine
from slipyard.clients.simulated_container import SimulatedContainer
from slipyard.deployer.router import Route, RouteState
from slipyard.deployer.routes import Routes
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus, is_over, is_terminal
from slipyard.domain.rollout import Strategy
from slipyard.store.queries.deployments import AT_WORK
from slipyard.store.tables import App, Deployment, Event, Instance, Release, RouteRow
from tests.flow.any_sequence.virtual_system import VirtualSystem

_ENDS = ("stop", "remove", "pause")
_RESTING = (InstanceStatus.SERVING, InstanceStatus.PAUSED, InstanceStatus.RETIRED)


class Witness:
    """`hurt` are apps whose containers somebody harmed, or whose engine failed: until they are healed nothing is promised."""

    def __init__(self, system: VirtualSystem) -> None:
        self.system = system
        self.hurt = False
        self.ended: dict[str, DeploymentStatus] = {}
        self.attempts: dict[str, int] = {}
        self.given_back: set[str] = set()
        self.faults: list[str] = []
        self._routes = Routes(system.context.layout.routes)
        for name in _ENDS:
            self._watch_end(system.engine, name)

    def look(self) -> None:
        """At the rows, after each step of anybody."""
        with self.system.database.read() as session:
            for app in session.exec(select(App)).all():
                self._one_at_a_time(session, app)
            for row in session.exec(select(Deployment)).all():
                self._never_back(row)
        assert not self.faults, self.faults

    def look_after_end(self, deployment_id: str) -> None:
        """Right after a worker ended a rollout without success: as many serve as before, and nobody had to heal that."""
        with self.system.database.read() as session:
            row = session.get_one(Deployment, deployment_id)
            failed = row.status in {DeploymentStatus.FAILED, DeploymentStatus.CANCELLED} and row.started_at is not None
            if not failed or self.hurt or row.id in self.given_back:
                return
            self.given_back.add(row.id)
            app = session.get_one(App, row.app_id)
            active = next(iter(session.exec(_active(app.id)).all()), None)
            if active is None or app.stopped or app.deleting_at is not None:
                return
            release = session.get_one(Release, active.release_id)
            if "exits" not in release.config.image.reference:  # or it may be away at any moment
                query = select(Instance).where(Instance.app_id == app.id, Instance.status == InstanceStatus.SERVING)
                said = list(self._serves_all(release, active, session.exec(query).all()))
                assert not said, f"deployment {row.number} of {app.slug} ended {row.status}: {said}"

    def rows(self) -> set[str]:
        """All that a worker could write of apps, deployments and what runs."""
        with self.system.database.read() as session:
            tables = (App, Deployment, Instance, RouteRow, Event)
            return {repr(row) for table in tables for row in session.exec(select(table)).all()}

    def unfinished(self) -> list[str]:
        """What is not yet as it is to be in the end: what runs is what the rows say, and what the route says."""
        with self.system.database.read() as session:
            said = [f"{row.id} is {row.status}" for row in session.exec(select(Deployment)).all() if not _is_done(row)]
            for app in session.exec(select(App).where(col(App.deleted_at).is_(None))).all():
                said += [f"{app.slug}: {each}" for each in self._differences(session, app)]
        return said

    def containers(self) -> Iterable[SimulatedContainer]:
        return list(self.system.engine._containers.values())

    def route(self, app_id: str) -> Route | None:
        return self._routes.current(app_id)

    def _one_at_a_time(self, session: Session, app: App) -> None:
        rows = session.exec(select(Deployment).where(Deployment.app_id == app.id).order_by(Deployment.number)).all()
        assert [row.number for row in rows] == list(range(1, len(rows) + 1))
        assert sum(row.status is DeploymentStatus.ACTIVE for row in rows) <= 1
        assert sum(row.status in AT_WORK for row in rows) <= 1
        self._still_answers(session, app, rows)

    def _never_back(self, row: Deployment) -> None:
        was = self.ended.get(row.id)
        assert was in {None, row.status}, f"{row.id} was {was} and became {row.status}"
        if is_terminal(row.status):
            self.ended[row.id] = row.status
        before = self.attempts.get(row.id, 0)
        assert row.attempt >= before or row.parked or row.attempt <= 1, f"attempt {before} became {row.attempt}"
        self.attempts[row.id] = row.attempt

    def _still_answers(self, session: Session, app: App, rows: Iterable[Deployment]) -> None:
        """An app that was live answers, whatever goes on."""
        active = next((row for row in rows if row.status is DeploymentStatus.ACTIVE), None)
        if self.hurt or active is None or app.stopped or app.deleting_at is not None:
            return
        route = self.route(app.id)
        assert route is not None
        if route.state is RouteState.REPLACING:
            assert any(
                session.get_one(Release, row.release_id).config.rollout.strategy is Strategy.RECREATE
                for row in rows
                if row.status in AT_WORK
            ), f"{app.slug} waits, and nothing recreates it"
            return
        assert route.state is RouteState.AWAKE, f"{app.slug} is {route.state}"
        assert any(self._answers(address) for address in route.addresses), f"nothing of {app.slug} answers: {route}"

    def _answers(self, address: str) -> bool:
        """Or would, were it not of a release that ends by itself: what is live may go bad."""
        return any(
            (found.status == "running" or found.behaviour.exits_after is not None) and _address(found) == address
            for found in self.containers()
        )

    def _differences(self, session: Session, app: App) -> Iterator[str]:
        rows = session.exec(select(Instance).where(Instance.app_id == app.id)).all()
        yield from (f"instance {row.id} is {row.status}" for row in rows if row.status not in _RESTING)
        active = next(iter(session.exec(_active(app.id)).all()), None)
        serving = [row for row in rows if row.status is InstanceStatus.SERVING]
        there = [each for each in self.containers() if each.spec.labels["slipyard.app"] == app.id]
        if active is None or app.stopped:
            yield from (f"{row.id} serves" for row in serving)
            yield from (f"{each.spec.name} is there" for each in there)
            return
        release = session.get_one(Release, active.release_id)
        if any(each.behaviour.exits_after is not None for each in there):
            return  # it comes and goes
        yield from self._serves_all(release, active, serving)
        yield from self._runs_as_said(release, serving, there, [r for r in rows if r.status is InstanceStatus.PAUSED])
        route = self.route(app.id)
        wanted = {f"{row.address}:{row.port}" for row in serving}
        if route is None or set(route.addresses) != wanted:
            yield f"the route is {route}, and {wanted} serve"

    def _serves_all(self, release: Release, active: Deployment, serving: Sequence[Instance]) -> Iterator[str]:
        replicas = sum(each.replicas for each in release.config.services)
        if len(serving) != replicas or {row.deployment_id for row in serving} != {active.id}:
            yield f"{len(serving)} of {replicas} serve, of {[row.deployment_id for row in serving]}"

    def _runs_as_said(
        self,
        release: Release,
        serving: Sequence[Instance],
        there: Sequence[SimulatedContainer],
        paused: Sequence[Instance],
    ) -> Iterator[str]:
        runs = {each.container_id: each for each in there if each.status == "running"}
        if set(runs) != {row.container_id for row in serving}:
            yield f"{sorted(runs)} run, and {[row.container_id for row in serving]} serve"
        elif any(each.image.facts.image_id != release.config.image.image_id for each in runs.values()):
            yield "what runs is not what is active"
        frozen = {each.container_id for each in there if each.status == "paused"}
        if frozen != {row.container_id for row in paused}:
            yield f"{frozen} are paused, and {[row.container_id for row in paused]} are to be"
        if len(there) != len(runs) + len(frozen):
            yield f"{len(there)} containers are there"

    def _watch_end(self, engine: FakeContainerEngine, name: str) -> None:
        call: Any = getattr(engine, name)

        async def watched(container_id: str, *arguments: Any) -> Any:
            self._refuse_routed(container_id, name)
            return await call(container_id, *arguments)

        setattr(engine, name, watched)

    def _refuse_routed(self, container_id: str, action: str) -> None:
        """What gets requests is neither paused nor ended: by nobody, at no time."""
        found = self.system.engine._find(container_id)
        if found is None or found.status != "running" or self.hurt:
            return
        app_id, address = found.spec.labels["slipyard.app"], _address(found)
        with self.system.database.read() as session:
            app = session.get_one(App, app_id)
        route = None if app.stopped or app.deleting_at else self.route(app_id)
        if route is not None and route.state is RouteState.AWAKE and address in route.addresses:
            self.faults.append(f"{action} of {address}, to which requests go: {route}")


def _address(container: SimulatedContainer) -> str:
    return f"{container.spec.address}:{container.spec.env.get('PORT')}"


def _is_done(row: Deployment) -> bool:
    return is_over(row.status) and (row.bake_until is None or row.status is not DeploymentStatus.ACTIVE)


def _active(app_id: str) -> Any:
    return select(Deployment).where(Deployment.app_id == app_id, Deployment.status == DeploymentStatus.ACTIVE)
