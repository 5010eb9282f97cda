"""Whatever people, releases, engines and crashes do to an app, in whatever order: it answers, and all is over in the end.

Time is virtual, so an example with minutes in it takes a moment. `HYPOTHESIS_PROFILE=long` tries new ones, and many more.
"""

import os
from contextlib import suppress
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck as Check
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from slipyard.domain.errors import Unavailable
from slipyard.domain.rollout import Strategy
from slipyard.pipeline.cancel import cancel_deployment
from slipyard.pipeline.deploy_app import DeployRequest, deploy_app
from slipyard.pipeline.promote import Promotion, promote
from slipyard.pipeline.stop_app import restart_app, start_app, stop_app
from slipyard.pipeline.way_back.roll_back import roll_back
from tests.flow.any_sequence.mortal_process import Fate, Steps, mortal
from tests.flow.any_sequence.two_apps import KINDS, LOOPS, TwoApps, image
from tests.flow.deaths import Killed

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
OUR_FAULT = Unavailable("The container engine does not answer. Start it.")
NEVER_PUBLISHED = "not there"
APPS = st.sampled_from(["shop", "live"])
STEPS = st.integers(1, 60)


class AnySequence(TwoApps, RuleBasedStateMachine):
    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        TwoApps.__init__(self)

    @initialize(strategy=st.sampled_from(Strategy), replicas=st.integers(1, 3), migrates=st.booleans())
    def two_apps(self, strategy: Strategy, replicas: int, migrates: bool) -> None:
        self.go_live(strategy, replicas, migrates=migrates)

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
        self.work_once()

    @precondition(lambda self: self.system.queue.waiting)
    @rule(fate=st.sampled_from([Fate.KILLED_BEFORE, Fate.KILLED_AFTER]), steps=STEPS)
    def a_worker_is_killed(self, fate: Fate, steps: int) -> None:
        self.work_to_death(fate, steps)

    @precondition(lambda self: self.system.queue.waiting)
    @rule(steps=STEPS)
    def a_worker_freezes(self, steps: int) -> None:
        self.work_until_frozen(steps)

    @precondition(lambda self: self.frozen)
    @rule()
    def a_frozen_worker_thaws(self) -> None:
        self.thaw_worker()

    @precondition(lambda self: self.frozen)
    @rule(app=APPS)
    def a_frozen_worker_thaws_after_all_is_over(self, app: str) -> None:
        self.settle(frozen_stay=True)
        self.somebody_deploys(app, "fine too", None)
        self.settle(frozen_stay=True)
        self.thaw_after_all_is_over()

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
        self.close()


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
