"""What every container engine does, the real one and the fake. Each gives a `world` and inherits `EngineContract`."""

import asyncio
import io
import tarfile
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

import pytest

from slipyard.clients.container_engine import (
    VOLUME_PATH,
    ContainerEngine,
    ContainerSpec,
    NetworkSpec,
    VolumeMount,
    VolumeSpec,
)
from slipyard.domain.drift import Difference
from slipyard.domain.errors import Conflict, NotFound, SlipyardError

DEADLINE = 30


class World(Protocol):
    """`label` is on everything that a test makes; behaviours are "serves", "exits 3" and "talks" (a, b, then exit 0)."""

    engine: ContainerEngine
    label: dict[str, str]
    prefix: str
    subnets: tuple[str, str]

    def doing(self, behaviour: str) -> dict[str, object]: ...


@dataclass
class Bench:
    world: World

    @property
    def engine(self) -> ContainerEngine:
        return self.world.engine

    def network(self) -> NetworkSpec:
        return NetworkSpec(f"{self.world.prefix}-net", self.world.subnets[0], self.world.label)

    def spec(self, behaviour: str = "serves", name: str = "one", host: int = 2) -> ContainerSpec:
        address = self.world.subnets[0].replace(".0/26", f".{host}")
        spec = ContainerSpec(
            name=f"{self.world.prefix}-{name}",
            image="",
            env={"PORT": "3000"},
            labels={**self.world.label, "slipyard.test.name": name},
            network=self.network().name,
            address=address,
            memory_bytes=64 * 1024 * 1024,
        )
        return replace(spec, **self.world.doing(behaviour))

    async def drift(self, container_id: str) -> list[Difference]:
        return list(await self.engine.drift(container_id, self.spec(), keep=False))

    async def created(self, behaviour: str = "serves", name: str = "one", host: int = 2) -> str:
        await self.engine.create_network(self.network())
        return await self.engine.create_container(self.spec(behaviour, name, host))

    async def started(self, behaviour: str = "serves", name: str = "one", host: int = 2) -> str:
        container_id = await self.created(behaviour, name, host)
        await self.engine.start(container_id)
        return container_id


class EngineContract:
    @pytest.fixture
    def bench(self, world: World) -> Bench:
        return Bench(world)

    async def test_an_image_that_is_not_there_is_none(self, bench):
        assert await bench.engine.image("slipyard.test/none:1") is None

    async def test_an_image_that_is_not_there_cannot_become_a_container(self, bench):
        await bench.engine.create_network(bench.network())
        with pytest.raises(NotFound):
            await bench.engine.create_container(replace(bench.spec(), image="slipyard.test/none:1"))

    async def test_a_name_is_given_once(self, bench):
        await bench.created()
        with pytest.raises(Conflict, match="already in use"):
            await bench.created()

    async def test_what_is_not_there_cannot_be_started_or_stopped_yet_is_removed_already(self, bench):
        with pytest.raises(NotFound):
            await bench.engine.start("slipyard-test-none")
        with pytest.raises(NotFound):
            await bench.engine.stop("slipyard-test-none", 1)
        with pytest.raises(NotFound):
            await bench.engine.wait("slipyard-test-none")
        await bench.engine.remove("slipyard-test-none")
        assert await bench.engine.container("slipyard-test-none") is None

    async def test_without_its_network_a_container_cannot_start(self, bench):
        container_id = await bench.created()
        await bench.engine.remove_network(bench.network().name)
        with pytest.raises(NotFound):
            await bench.engine.start(container_id)

    async def test_a_command_inside_says_how_it_ended(self, bench):
        container_id = await bench.started()
        result = await bench.engine.execute(container_id, ("/bin/sh", "-c", "true"))
        assert result.exit_code == 0

    async def test_a_container_that_does_not_run_runs_no_command(self, bench):
        container_id = await bench.created()
        with pytest.raises(Conflict, match="not running"):
            await bench.engine.execute(container_id, ("true",))
        with pytest.raises(NotFound):
            await bench.engine.execute("slipyard-test-none", ("true",))

    async def test_an_address_is_used_once(self, bench):
        await bench.started(name="one", host=2)
        second = await bench.created(name="two", host=2)
        with pytest.raises(Conflict, match="in use"):
            await bench.engine.start(second)

    async def test_start_and_stop_may_be_repeated(self, bench):
        container_id = await bench.started()
        await bench.engine.start(container_id)
        state = await bench.engine.container(container_id)
        assert state is not None
        assert state.running
        assert state.started_at is not None
        assert state.addresses == (bench.spec().address,)
        await bench.engine.stop(container_id, 0)
        await bench.engine.stop(container_id, 0)
        stopped = await bench.engine.container(bench.spec().name)
        assert stopped is not None
        assert not stopped.running

    async def test_the_exit_code_is_told_by_waiting_looking_and_listing(self, bench):
        container_id = await bench.started("exits 3")
        async with asyncio.timeout(DEADLINE):
            assert await bench.engine.wait(container_id) == 3
            assert await bench.engine.wait(container_id) == 3
        looked = await bench.engine.container(container_id)
        assert looked is not None
        assert (looked.running, looked.exit_code) == (False, 3)
        [listed] = await bench.engine.containers(bench.world.label)
        assert (listed.container_id, listed.running, listed.exit_code) == (container_id, False, 3)

    async def test_waiting_can_be_given_up(self, bench):
        container_id = await bench.started()
        waiting = asyncio.create_task(bench.engine.wait(container_id))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (await bench.engine.container(container_id)).running

    async def test_only_containers_with_all_the_labels_are_listed(self, bench):
        await bench.created(name="one", host=2)
        await bench.created(name="two", host=3)
        both = await bench.engine.containers(bench.world.label)
        assert {state.name for state in both} == {bench.spec(name="one").name, bench.spec(name="two").name}
        [two] = await bench.engine.containers({**bench.world.label, "slipyard.test.name": "two"})
        assert two.name == bench.spec(name="two").name
        assert two.exit_code is None

    async def test_output_is_read_line_by_line_from_the_end_and_to_the_end(self, bench):
        container_id = await bench.started("talks")
        async with asyncio.timeout(DEADLINE), aclosing(bench.engine.logs(container_id, follow=True)) as lines:
            assert [line.message async for line in lines] == ["a", "b"]
        last = [line async for line in bench.engine.logs(container_id, tail=1)]
        assert [(line.stream, line.message) for line in last] == [("stdout", "b")]
        later = [line async for line in bench.engine.logs(container_id, since=last[0].timestamp)]
        assert later[-1].message == "b"

    async def test_output_of_nothing_is_not_found(self, bench):
        with pytest.raises(NotFound):
            [line async for line in bench.engine.logs("slipyard-test-none")]

    async def test_following_output_can_be_given_up(self, bench):
        container_id = await bench.started()

        async def follow():
            async for _ in bench.engine.logs(container_id, follow=True):
                pass

        following = asyncio.create_task(follow())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(following, 0.05)
        assert following.cancelled()

    async def test_events_tell_a_whole_life(self, bench):
        container_id = await bench.created("exits 3")
        seen: list[str] = []

        async def listen():
            async with aclosing(bench.engine.events(bench.world.label)) as events:
                async for event in events:
                    assert event.container_id == container_id
                    assert event.labels["slipyard.test.name"] == "one"
                    seen.append(event.action)
                    if event.action == "destroy":
                        return

        async with asyncio.timeout(DEADLINE):
            listening = asyncio.create_task(listen())
            await self.until_listening(bench, listening, seen, container_id)
            await bench.engine.wait(container_id)
            await bench.engine.remove(container_id)
            await listening
        assert seen[-3:] == ["start", "die", "destroy"]

    async def until_listening(self, bench, listening, seen, container_id):
        """Nothing says when the engine has begun to report: start it again until it is heard."""
        while not seen:
            await bench.engine.start(container_id)
            await bench.engine.wait(container_id)
            await asyncio.wait({listening}, timeout=0.02)

    async def test_what_is_paused_runs_on_later_and_both_may_be_said_twice(self, bench):
        container_id = await bench.started()
        for _ in range(2):
            await bench.engine.pause(container_id)
        state = await bench.engine.container(container_id)
        assert (state.running, state.paused) == (True, True)
        assert await bench.engine.memory(container_id) > 0
        with pytest.raises(Conflict):
            await bench.engine.start(container_id)
        for _ in range(2):
            await bench.engine.unpause(container_id)
        state = await bench.engine.container(container_id)
        assert (state.running, state.paused) == (True, False)

    async def test_what_was_made_as_asked_does_not_differ(self, bench):
        container_id = await bench.started()
        assert list(await bench.engine.drift(container_id, bench.spec(), keep=False)) == []
        await bench.engine.keep_running(container_id, keep=True)
        assert list(await bench.engine.drift(container_id, bench.spec(), keep=True)) == []
        [policy] = await bench.engine.drift(container_id, bench.spec(), keep=False)
        assert (policy.field, policy.wanted, policy.found) == ("restart policy", "no", "unless-stopped")
        with pytest.raises(NotFound):
            await bench.engine.drift("slipyard-test-none", bench.spec(), keep=False)

    async def test_changed_limits_are_told_and_put_right_while_it_runs(self, bench):
        container_id = await bench.started()
        await bench.engine.limit(container_id, replace(bench.spec(), millicores=250, memory_bytes=128 * 1024 * 1024))
        found = {each.field: (each.wanted, each.found) for each in await bench.drift(container_id)}
        assert found["memory"] == ("64 MiB", "128 MiB")
        assert found["cpu"] == ("1 cores", "0.25 cores")
        await bench.engine.limit(container_id, bench.spec())
        assert await bench.drift(container_id) == []
        assert (await bench.engine.container(container_id)).running

    async def test_another_name_and_another_network_are_told_and_put_right(self, bench):
        container_id = await bench.started()
        await bench.engine.rename(container_id, f"{bench.world.prefix}-stray")
        [name] = await bench.drift(container_id)
        assert (name.field, name.wanted) == ("name", bench.spec().name)
        await bench.engine.rename(container_id, bench.spec().name)
        await bench.engine.connect(container_id, replace(bench.spec(), address=bench.spec(host=9).address))
        [network] = await bench.drift(container_id)
        assert network.field == "network"
        await bench.engine.disconnect(container_id, bench.spec().network)
        assert (await bench.engine.container(container_id)).addresses == ()
        await bench.engine.disconnect(container_id, bench.spec().network)
        await bench.engine.connect(container_id, bench.spec())
        assert await bench.drift(container_id) == []
        state = await bench.engine.container(container_id)
        assert (state.networks, state.addresses) == ((bench.network().name,), (bench.spec().address,))

    async def test_what_only_a_new_container_can_have_is_told_without_its_values(self, bench):
        container_id = await bench.started()
        wanted = replace(bench.spec(), env={"PORT": "8080", "KEY": "secret"}, labels={**bench.world.label, "a": "b"})
        found = await bench.engine.drift(container_id, wanted, keep=False)
        assert {each.field for each in found} == {"env.PORT", "env.KEY", "label.a"}
        assert "secret" not in str(found)
        assert "8080" not in str(found)

    async def test_what_does_not_run_cannot_be_paused(self, bench):
        container_id = await bench.created()
        with pytest.raises(SlipyardError):
            await bench.engine.pause(container_id)
        with pytest.raises(SlipyardError):
            await bench.engine.unpause(container_id)

    async def test_what_is_paused_can_be_stopped_and_removed(self, bench):
        container_id = await bench.started()
        await bench.engine.pause(container_id)
        await bench.engine.stop(container_id, 0)
        assert not (await bench.engine.container(container_id)).running
        await bench.engine.remove(container_id)
        assert await bench.engine.container(container_id) is None

    async def test_what_shall_keep_running_is_started_again(self, bench):
        container_id = await bench.started()
        await bench.engine.keep_running(container_id, keep=True)
        await self.kill(bench, container_id)
        async with asyncio.timeout(DEADLINE):
            while not (state := await bench.engine.container(container_id)).running or state.restarts == 0:
                await bench.engine.version()
        await bench.engine.stop(container_id, 0)
        assert not (await bench.engine.container(container_id)).running

    async def kill(self, bench: Bench, container_id: str) -> None:
        raise NotImplementedError

    async def test_a_network_is_made_once(self, bench):
        await bench.engine.create_network(bench.network())
        await bench.engine.create_network(bench.network())
        assert list(await bench.engine.networks(bench.world.label)) == [bench.network()]

    async def test_a_network_is_not_taken_for_another(self, bench):
        await bench.engine.create_network(bench.network())
        with pytest.raises(Conflict, match="already there"):
            await bench.engine.create_network(replace(bench.network(), subnet=bench.world.subnets[1]))

    async def test_subnets_do_not_overlap(self, bench):
        await bench.engine.create_network(bench.network())
        with pytest.raises(Conflict, match="verlap"):
            await bench.engine.create_network(replace(bench.network(), name=f"{bench.world.prefix}-other"))

    async def test_a_network_in_use_stays_and_one_that_is_gone_is_removed_already(self, bench):
        container_id = await bench.started()
        with pytest.raises(Conflict):
            await bench.engine.remove_network(bench.network().name)
        await bench.engine.remove(container_id)
        await bench.engine.remove_network(bench.network().name)
        await bench.engine.remove_network(bench.network().name)
        assert list(await bench.engine.networks(bench.world.label)) == []

    async def test_what_is_copied_into_a_volume_is_there_for_others_until_it_is_removed(self, bench):
        engine, name = bench.engine, f"{bench.world.prefix}-vol"
        door_image = f"{bench.world.prefix}-door:1"
        volume = VolumeSpec(name, bench.world.label)
        with pytest.raises(NotFound):
            await engine.open_volume(name, door_image, bench.world.label)
        assert await engine.create_volume(volume) is False
        assert await engine.create_volume(volume) is False
        with pytest.raises(Conflict):
            await engine.create_volume(replace(volume, labels={}))
        door = await engine.open_volume(name, door_image, bench.world.label)
        await engine.copy_in(door, VOLUME_PATH, one_file("./a/file", b"content"))
        whole = b"".join([piece async for piece in engine.copy_out(door, f"{VOLUME_PATH}/.")])
        with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
            assert archive.extractfile("./a/file").read() == b"content"
        assert await engine.volumes(bench.world.label) == [volume]
        assert await engine.volume_bytes(name) is None or await engine.volume_bytes(name) > 0
        with pytest.raises(Conflict):
            await engine.remove_volume(name)
        await engine.remove(door)
        await engine.remove_volume(name)
        await engine.remove_volume(name)
        await engine.remove_image(door_image)
        assert await engine.volume(name) is None

    async def test_a_mounted_volume_does_not_differ_and_another_one_does(self, bench):
        name = f"{bench.world.prefix}-held"
        await bench.engine.create_volume(VolumeSpec(name, bench.world.label))
        await bench.engine.create_network(bench.network())
        spec = replace(bench.spec(), volumes=(VolumeMount(name, "/data"), VolumeMount(name, "/read", read_only=True)))
        container_id = await bench.engine.create_container(spec)
        assert await bench.engine.drift(container_id, spec, keep=False) == []
        other = replace(spec, volumes=(VolumeMount(name, "/elsewhere"),))
        assert [each.field for each in await bench.engine.drift(container_id, other, keep=False)] == ["Mounts"]
        await bench.engine.remove(container_id)
        assert await bench.engine.volume(name) is not None
        await bench.engine.remove_volume(name)


async def one_file(name: str, content: bytes) -> AsyncIterator[bytes]:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    yield packed.getvalue()
