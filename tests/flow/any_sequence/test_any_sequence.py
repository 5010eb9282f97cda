"""Whatever people, releases, engines and crashes do to an app, in whatever order: it answers, and all is over in the end.

Time is virtual, so an example with minutes in it takes a moment. `HYPOTHESIS_PROFILE=long` tries new ones, and many more.
"""

import asyncio
import os
import tempfile
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck as Check
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlmodel import select

from slipyard.clients.simulated_container import Behaviour
from slipyard.controller import loops
from slipyard.domain.app import AppConfig
from slipyard.domain.errors import Unavailable, UserError
from slipyard.domain.health import HealthCheck
from slipyard.domain.lifecycle import is_over
from slipyard.domain.rollout import Canary, RolloutRules, Strategy
from slipyard.domain.source import Source, SourceType
from slipyard.pipeline.cancel import cancel_deployment
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.delete_app import delete_app
from slipyard.pipeline.deploy_app import DeployRequest, deploy_app
from slipyard.pipeline.promote import Promotion, promote
from slipyard.pipeline.rollout.run_deployment import run_deployment
from slipyard.pipeline.stop_app import restart_app, start_app, stop_app
from slipyard.pipeline.way_back.roll_back import roll_back
from slipyard.store.tables import Deployment
from tests.flow.any_sequence.mortal_process import Fate, Steps, mortal
from tests.flow.any_sequence.virtual_system import VirtualSystem
from tests.flow.any_sequence.witness import Witness
from tests.flow.deaths import Killed
from tests.prepared_databases import write_prepared_sqlite

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
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
OUR_FAULT = Unavailable("The container engine does not answer. Start it.")
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
NEVER_PUBLISHED = "not there"
APPS = st.sampled_from(["shop", "live"])
STEPS = st.integers(1, 60)
SETTLED_WITHIN = 240.0  # virtual seconds: four attempts, a canary's steps, a bake and a way back
LONGEST_BACKOFF = 1200.0  # of what was harmed again and again


class AnySequence(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory(prefix="slipyard-any-sequence-")
        home = Path(self.directory.name) / "home"
        write_prepared_sqlite(home / "slipyard.db")
        self.system = VirtualSystem(home)
        self.witness = Witness(self.system)
        self.accepted: set[str] = set()
        self.frozen: list[tuple[Steps, asyncio.Task[None]]] = []
        self.apps: dict[str, str] = {}

    @initialize(strategy=st.sampled_from(Strategy), replicas=st.integers(1, 3), migrates=st.booleans())
    def two_apps(self, strategy: Strategy, replicas: int, migrates: bool) -> None:
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

    # What people do.

    @rule(app=APPS, kind=st.sampled_from([*KINDS, NEVER_PUBLISHED]), replicas=st.sampled_from([None, 1, 3]))
    def somebody_deploys(self, app: str, kind: str, replicas: int | None) -> None:
        self.ask(deploy_app(self.context, self.apps[app], DeployRequest(image(kind), replicas=replicas), self.actor))

    @rule(app=APPS)
    def somebody_goes_back(self, app: str) -> None:
        self.ask(roll_back(self.context, self.apps[app], None, self.actor))

    @rule(forth=st.booleans())
    def somebody_promotes(self, forth: bool) -> None:
        source, target = ("shop", "live") if forth else ("live", "shop")
        self.ask(promote(self.context, Promotion(self.apps[source], self.apps[target]), self.actor))

    @rule(app=APPS, verb=st.sampled_from([stop_app, start_app, restart_app]))
    def somebody_stops_or_starts(self, app: str, verb: Any) -> None:
        self.ask(verb(self.context, self.apps[app], self.actor))

    @rule(app=APPS)
    def somebody_cancels_the_newest(self, app: str) -> None:
        newest = self.system.deployments(self.apps[app])[-1]
        self.ask(cancel_deployment(self.context, self.apps[app], newest.id, self.actor))

    # What processes do, and what becomes of them.

    @rule()
    def a_worker_works(self) -> None:
        if self.system.queue.waiting:
            self.run(run_deployment(self.context, self.system.queue.waiting.popleft()[1]))

    @precondition(lambda self: self.system.queue.waiting)
    @rule(fate=st.sampled_from([Fate.KILLED_BEFORE, Fate.KILLED_AFTER]), steps=STEPS)
    def a_worker_is_killed(self, fate: Fate, steps: int) -> None:
        context = mortal(self.context, Steps(fate, steps), self.system.engine.probe)
        with suppress(Killed):
            self.run(run_deployment(context, self.system.queue.waiting.popleft()[1]))

    @precondition(lambda self: self.system.queue.waiting)
    @rule(steps=STEPS)
    def a_worker_freezes(self, steps: int) -> None:
        taken = Steps(Fate.FROZEN, steps)
        context = mortal(self.context, taken, self.system.engine.probe)
        work = self.system.loop.create_task(run_deployment(context, self.system.queue.waiting.popleft()[1]))
        self.run(frozen_or_done(taken, work))
        if not work.done():
            self.frozen.append((taken, work))

    @precondition(lambda self: self.frozen)
    @rule()
    def a_frozen_worker_thaws(self) -> None:
        steps, work = self.frozen.pop(0)
        steps.moving.set()
        self.run(done(work))

    @rule(names=st.lists(st.sampled_from(LOOPS), min_size=1, max_size=4))
    def the_controller_looks(self, names: list[str]) -> None:
        self.run(self.system.control(*names))

    @rule(loop=st.sampled_from(LOOPS), fate=st.sampled_from([Fate.KILLED_BEFORE, Fate.KILLED_AFTER]), steps=STEPS)
    def the_controller_is_killed(self, loop: str, fate: Fate, steps: int) -> None:
        self.system.new_leader(mortal(self.context, Steps(fate, steps), self.system.engine.probe))
        with suppress(Killed):
            self.run(self.system.control(loop))
        self.system.new_leader(self.context)

    @rule(seconds=st.sampled_from([1, 6, 70]))
    def time_passes(self, seconds: float) -> None:
        self.run(self.system.time.sleep(seconds))

    # What engines, queues and strangers do.

    @rule()
    def the_queue_is_flushed(self) -> None:
        self.system.queue.waiting.clear()

    @rule(
        call=st.sampled_from(
            ["create_container", "start", "pull", "stop", "remove", "pause", "unpause", "keep_running"]
        )
    )
    def the_engine_refuses_once(self, call: str) -> None:
        self.witness.hurt = True
        self.system.engine.fail_next(call, OUR_FAULT)

    @rule(which=st.integers(0, 5), how=st.sampled_from(["removed", "crashed", "paused"]))
    def somebody_harms_a_container(self, which: int, how: str) -> None:
        there = list(self.witness.containers())
        if not there:
            return
        self.witness.hurt = True
        victim = there[which % len(there)]
        engine = self.system.engine
        if how == "removed":
            with suppress(Unavailable):
                self.run(engine.remove(victim.container_id))
        elif victim.status == "running" and how == "crashed":
            engine.crash(victim.container_id)
        elif victim.status == "running":
            with suppress(Unavailable):  # a refusal that waits for whoever comes next
                self.run(engine.pause(victim.container_id))

    @rule()
    def everybody_does_their_work(self) -> None:
        self.settle()

    @invariant()
    def nothing_is_broken(self) -> None:
        self.witness.look()

    def teardown(self) -> None:
        try:
            if self.apps:
                self.settle()
                self.run(self.delete_all())
                self.settle()
                assert not list(self.witness.containers())
                assert not self.system.engine._networks
                assert all(self.witness.route(app_id) is None for app_id in self.apps.values())
        finally:
            self.system.close()
            self.directory.cleanup()

    async def delete_all(self) -> None:
        for app_id in self.apps.values():
            await delete_app(self.context, app_id, self.actor)

    def settle(self) -> None:
        """Everybody does what is theirs, until all is as it is to be, within the time that is promised, and stays so."""
        while self.frozen:
            self.a_frozen_worker_thaws()
        until = self.system.time.monotonic() + (LONGEST_BACKOFF if self.witness.hurt else SETTLED_WITHIN)
        while (left := self.one_round()) and self.system.time.monotonic() < until:
            self.witness.look()
        assert not left, left
        self.witness.hurt = False
        self.system.engine._failures.clear()
        assert not self.one_round(), "it does not stay so"
        self.witness.look()
        assert self.accepted <= self.over(), "an accepted deployment has no end"

    def one_round(self) -> list[str]:
        """What is left to do."""
        self.run(self.all_work())
        return self.witness.unfinished()

    async def all_work(self) -> None:
        while self.system.queue.waiting:
            await run_deployment(self.context, self.system.queue.waiting.popleft()[1])
        await self.system.control(*LOOPS)
        await self.system.time.sleep(2)

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


TestAnySequence = AnySequence.TestCase
TestAnySequence.settings = settings(
    max_examples=2000 if LONG else 12,
    stateful_step_count=40 if LONG else 20,
    derandomize=not LONG,  # whoever changes something else is not to be surprised by a new example
    # Making a failure smaller takes minutes, and whoever reads a CI's log gets a timeout instead of the failure.
    phases=list(Phase) if LONG else [Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=list(Check),
)
