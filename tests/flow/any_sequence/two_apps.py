"""Two apps of a system on virtual time, everybody who works for them, and the moment when all is as it is to be."""

import asyncio
import tempfile
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlmodel import select

from slipyard.clients.simulated_container import Behaviour
from slipyard.controller import loops
from slipyard.domain.app import AppConfig
from slipyard.domain.errors import UserError
from slipyard.domain.health import HealthCheck
from slipyard.domain.lifecycle import is_over
from slipyard.domain.rollout import Canary, RolloutRules, Strategy
from slipyard.domain.source import Source, SourceType
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.delete_app import delete_app
from slipyard.pipeline.rollout.run_deployment import run_deployment
from slipyard.store.tables import Deployment
from tests.flow.any_sequence.mortal_process import Fate, Steps, mortal
from tests.flow.any_sequence.virtual_system import VirtualSystem
from tests.flow.any_sequence.witness import Witness
from tests.flow.deaths import Killed
from tests.prepared_databases import write_prepared_sqlite

ELSEWHERE = {
    "networks",
    "tell",
    "send",
    "forward",
    "publish",
    "measure",
    "hosts",
    "pushes",
    "poll",
    "previews",
    "requests",
}
LOOPS = tuple(loop.name for loop in loops.LOOPS if loop.name not in {*ELSEWHERE, "clean_up_old"})
KINDS = {
    "fine": Behaviour(),
    "fine too": Behaviour(),
    "ready after 1 s": Behaviour(ready_after=1),
    "exits at once": Behaviour(exits_after=0, exit_code=1),
    "exits after 5 s": Behaviour(exits_after=5, exit_code=1),
    "never ready": Behaviour(complaint="answered 500 on /"),
    "other port": Behaviour(port=9),
    "migration fails": Behaviour(by_command=(("migrate", Behaviour(exits_after=0, exit_code=7)),)),
}
MIGRATES = (("migrate", Behaviour(exits_after=0.1)),)
SETTLED_WITHIN = 240.0  # virtual seconds: four attempts, a canary's steps, a bake and a way back
LONGEST_BACKOFF = 1200.0  # of what was harmed again and again
_SOON_SECONDS, _LATER_SECONDS = 2.0, 15.0


class TwoApps:
    """`frozen` workers stand still until somebody lets them go on; `accepted` deployments must end."""

    def __init__(self) -> None:
        self.directory = tempfile.TemporaryDirectory(prefix="slipyard-any-sequence-")
        home = Path(self.directory.name) / "home"
        write_prepared_sqlite(home / "slipyard.db")
        self.system = VirtualSystem(home)
        self.witness = Witness(self.system)
        self.accepted: set[str] = set()
        self.frozen: list[tuple[Steps, asyncio.Task[None]]] = []
        self.apps: dict[str, str] = {}

    def go_live(self, strategy: Strategy, replicas: int, *, migrates: bool) -> None:
        for kind, behaviour in KINDS.items():
            commands = behaviour.by_command or MIGRATES
            self.system.engine.publish(image(kind), Behaviour(**(vars(behaviour) | {"by_command": commands})))
        for name in ("shop", "live"):
            config = AppConfig(
                source=Source(type=SourceType.IMAGE, image=image("fine")),
                min_instances=replicas,
                max_instances=4,
                health_check=HealthCheck(start_period=3, retries=2),
                release_command="migrate" if migrates else None,
                rollout=RolloutRules(
                    strategy=strategy, max_surge=1, canary=Canary(steps=(50,), seconds=8), bake_seconds=6
                ),
            )
            made = self.run(create_app(self.system.context, NewApp(name, config=config), self.system.actor))
            self.apps[name] = made.app.id
            self.note(made.deployment)
        self.settle()

    def work_once(self) -> None:
        """What was woken first; a message for nobody's work is a message read."""
        if self.system.queue.waiting:
            self.run(self._work_next())

    def work_to_death(self, fate: Fate, steps: int) -> bool:
        """Whether it came so far."""
        taken = Steps(fate, steps)
        context = mortal(self.context, taken, self.system.engine.probe)
        with suppress(Killed):
            self.run(run_deployment(context, self.system.queue.waiting.popleft()[1]))
        return taken.left <= 0

    def work_until_frozen(self, steps: int) -> bool:
        """Whether it came so far."""
        taken = Steps(Fate.FROZEN, steps)
        context = mortal(self.context, taken, self.system.engine.probe)
        work = self.system.loop.create_task(run_deployment(context, self.system.queue.waiting.popleft()[1]))
        self.run(frozen_or_done(taken, work))
        if not work.done():
            self.frozen.append((taken, work))
        return not work.done()

    def thaw_worker(self) -> None:
        steps, work = self.frozen.pop(0)
        steps.moving.set()
        self.run(done(work))

    def thaw_after_all_is_over(self) -> None:
        """Its claim is another's, or nobody's: of what it still wants to write nothing is written."""
        before = self.witness.rows()
        while self.frozen:
            self.thaw_worker()
        late = self.witness.rows() - before
        assert not late, f"a worker wrote after its claim was lost: {late}"

    def settle(self, *, frozen_stay: bool = False) -> None:
        """Everybody does what is theirs, until all is as it is to be, within the time that is promised, and stays so."""
        while self.frozen and not frozen_stay:
            self.thaw_worker()
        began = self.system.time.monotonic()
        longest = LONGEST_BACKOFF if self.witness.hurt else SETTLED_WITHIN
        while (left := self.one_round(began)) and self.system.time.monotonic() < began + longest:
            self.witness.look()
        assert not left, left
        self.witness.hurt = False
        self.system.engine._failures.clear()
        left = self.one_round() and self.one_round()  # what was kept for a while may go in just that moment
        assert not left, f"it does not stay so: {left}"
        self.witness.look()
        assert self.accepted <= self.over(), "an accepted deployment has no end"

    def one_round(self, since: float | None = None) -> list[str]:
        """What is left to do. Whoever waits for minutes waits for a backoff, and need not look every other second."""
        patient = since is not None and self.system.time.monotonic() > since + SETTLED_WITHIN
        self.run(self.all_work(_LATER_SECONDS if patient else _SOON_SECONDS))
        return self.witness.unfinished()

    async def all_work(self, pause: float) -> None:
        while self.system.queue.waiting:
            await self._work_next()
        await self.system.control(*LOOPS)
        await self.system.time.sleep(pause)

    async def _work_next(self) -> None:
        row_id = self.system.queue.waiting.popleft()[1]
        await run_deployment(self.context, row_id)
        self.witness.look_after_end(row_id)

    def close(self) -> None:
        try:
            if self.apps:
                self.settle()
                self.run(self._delete_all())
                self.settle()
                assert not list(self.witness.containers())
                assert not self.system.engine._networks
                assert all(self.witness.route(app_id) is None for app_id in self.apps.values())
        finally:
            self.system.close()
            self.directory.cleanup()

    async def _delete_all(self) -> None:
        for app_id in self.apps.values():
            await delete_app(self.context, app_id, self.actor)

    def over(self) -> set[str]:
        with self.system.database.read() as session:
            return {row.id for row in session.exec(select(Deployment)).all() if is_over(row.status)}

    @property
    def context(self) -> Any:
        return self.system.context

    @property
    def actor(self) -> Any:
        return self.system.actor

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.system.run(work)

    def ask(self, work: Coroutine[Any, Any, Any]) -> None:
        """What cannot be is refused with a sentence, and never breaks."""
        with suppress(UserError):
            self.note(self.run(work))

    def note(self, made: Any) -> None:
        if isinstance(made, Deployment):
            self.accepted.add(made.id)


def image(kind: str) -> str:
    return f"registry.example/{kind.replace(' ', '-')}:1"


async def frozen_or_done(steps: Steps, work: "asyncio.Task[None]") -> None:
    frozen = asyncio.ensure_future(steps.frozen.wait())
    await asyncio.wait({frozen, work}, return_when=asyncio.FIRST_COMPLETED)
    frozen.cancel()


async def done(work: "asyncio.Task[None]") -> None:
    await work
