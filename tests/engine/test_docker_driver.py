"""Instances on a real Docker Engine: started, found ready or told why not, shut off from what is not theirs, retired."""

import asyncio
from contextlib import aclosing
from ipaddress import IPv4Network

import pytest

from slipyard.clients import iptables
from slipyard.deployer import firewall
from slipyard.deployer.firewall_rules import chains_of, hooks_into
from slipyard.domain.errors import Conflict, RolloutFailed
from slipyard.domain.health import HealthCheck
from tests.engine.docker_installation import Installation, docker_installation


@pytest.fixture
async def installation():
    async with docker_installation() as installation:
        yield installation


async def failure(installation: Installation, *command: str, **changes) -> RolloutFailed:
    with pytest.raises(RolloutFailed) as caught:
        await installation.live(installation.instance("a", 2, *command, **changes))
    return caught.value


async def test_an_app_that_exits_is_told_with_code_and_output_long_before_its_deadline(installation):
    async with asyncio.timeout(20):
        error = await failure(installation, "sh", "-c", "echo cannot find database; exit 3")
    assert "exited with code 3" in error.message
    assert error.log_tail == ("cannot find database",)


async def test_an_app_that_eats_its_memory_is_told_so(installation):
    error = await failure(installation, "dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1")
    assert "ran out of memory" in error.message


async def test_an_app_that_listens_on_loopback_only_is_told_so(installation):
    check = HealthCheck(start_period=2)
    error = await failure(installation, "httpd", "-f", "-p", "127.0.0.1:3000", health_check=check)
    assert "connection refused on port 3000: it listens on 127.0.0.1:3000 only" in error.message


async def test_an_app_that_listens_on_another_port_is_told_so(installation):
    check = HealthCheck(start_period=2)
    error = await failure(installation, "httpd", "-f", "-p", "8080", health_check=check)
    assert "it listens on port 8080" in error.message


async def test_an_app_that_answers_badly_is_told_the_status(installation):
    check = HealthCheck(path="/none", start_period=2)
    assert "it answered 404 on /none" in (await failure(installation, health_check=check)).message


async def test_a_command_inside_decides_and_its_last_line_is_told(installation):
    check = HealthCheck(command="echo first; echo no table; exit 4", start_period=2)
    error = await failure(installation, health_check=check)
    assert "failed its health command with exit code 4: no table" in error.message


async def test_a_command_that_is_not_in_the_image_is_told_so(installation):
    check = HealthCheck(command=("/no/such/program",), start_period=1)
    assert "failed its health command with exit code 12" in (await failure(installation, health_check=check)).message


async def test_a_command_that_never_ends_is_given_up(installation):
    check = HealthCheck(command="sleep 600", timeout=0.3, start_period=1)
    assert "did not end its health command within 0.3 s" in (await failure(installation, health_check=check)).message


async def test_an_app_that_accepts_and_says_nothing_is_told_so(installation):
    check = HealthCheck(path="/cgi-bin/slow", start_period=2, timeout=0.5)
    slow = "mkdir -p /www/cgi-bin && cd /www && printf '#!/bin/sh\\nsleep 60' >cgi-bin/slow && chmod +x cgi-bin/slow"
    error = await failure(installation, "sh", "-c", f"{slow} && exec httpd -f -p 3000", health_check=check)
    assert "did not answer within 0.5 s on port 3000: it listens there" in error.message


async def test_a_command_that_is_not_there_is_told_so(installation):
    assert "its command was not found" in (await failure(installation, "/no/such/program")).message


async def test_a_taken_address_is_a_conflict(installation):
    await installation.live(installation.instance("a", 2))
    with pytest.raises(Conflict):
        await installation.driver.start(installation.instance("a", 2))


async def test_an_instance_lives_from_start_to_retirement(installation):
    driver, spec = installation.driver, installation.instance("a", 2, health_check=HealthCheck(path="/"))
    events = driver.events()
    heard = asyncio.create_task(_first(events, "destroy"))
    container_id = await installation.live(spec)
    assert await driver.start(spec) == container_id
    await driver.keep_running(container_id, keep=True)
    [seen] = await driver.observe()
    looked = await driver.look(spec.instance_id)
    assert (seen.instance_id, seen.app_id, seen.running) == (spec.instance_id, spec.app_id, True)
    assert (looked.container_id, looked.image_id) == (container_id, seen.image_id)
    await driver.retire(spec.instance_id, 0)
    await driver.retire(spec.instance_id, 0)
    assert list(await driver.observe()) == []
    async with asyncio.timeout(30):
        assert (await heard).instance_id == spec.instance_id


async def _first(events, action):
    async with aclosing(events):
        async for event in events:
            if event.action == action:
                return event
    return None


async def test_a_worker_without_a_port_is_ready_when_it_stays(installation):
    await installation.live(installation.instance("a", 2, "sleep", "600", port=None, service="worker"))
    error = await failure(installation, "false", port=None, service="worker", address=_host(installation, 3))
    assert "worker instance exited with code 1" in error.message


def _host(installation: Installation, host: int) -> str:
    return str(IPv4Network(installation.apps["a"].subnet)[host])


@pytest.fixture
async def closed(installation):
    """The installation behind its firewall, and a listener on the host."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "0.0.0.0", 0)
    await firewall.ensure(installation.pool, installation.id)
    try:
        yield installation, server.sockets[0].getsockname()[1]
    finally:
        await firewall.remove(installation.id)
        server.close()


async def test_without_the_firewall_the_hosts_ports_are_open_so_the_next_test_can_fail(installation):
    server = await asyncio.start_server(lambda _, writer: writer.close(), "0.0.0.0", 0)
    gateway, port = _host(installation, 1), server.sockets[0].getsockname()[1]
    assert await installation.output("a", 3, f"nc -w 3 {gateway} {port} </dev/null && echo open") == ["open"]
    server.close()


async def test_an_app_reaches_itself_and_neither_another_app_nor_the_host_nor_metadata(closed):
    installation, port = closed
    a, b = installation.instance("a", 2), installation.instance("b", 2)
    await installation.live(a)  # the host reaches both: it could not find them ready otherwise
    await installation.live(b)
    targets = {
        "own": f"{a.address} 3000",
        "name": "web 3000",
        "other": f"{b.address} 3000",
        "host": f"{_host(installation, 1)} {port}",
        "metadata": "169.254.169.254 80",
    }
    asked = [f"nc -w 3 {target} </dev/null >/dev/null 2>&1 && echo {name}" for name, target in targets.items()]
    assert await installation.output("a", 3, "; ".join([*asked, "true"])) == ["own", "name"]


async def test_the_firewall_can_be_repeated_and_says_what_is_missing(closed):
    installation, _ = closed
    await firewall.ensure(installation.pool, installation.id)
    assert await firewall.missing(installation.pool, installation.id) == []
    await firewall.remove(installation.id)
    missing = await firewall.missing(installation.pool, installation.id)
    assert any("169.254.0.0/16" in rule for rule in missing)
    await firewall.remove(installation.id)


async def test_the_firewall_of_an_earlier_pool_goes_too(closed):
    installation, _ = closed
    another = IPv4Network("10.219.0.0/16")
    await firewall.ensure(another, installation.id)
    assert await firewall.missing(another, installation.id) == []
    hooks = hooks_into(chains_of(installation.id), await iptables.rules())
    assert {hook[2] for hook in hooks} == {str(another)}, "nothing leads from the earlier pool into these chains"
    await firewall.remove(installation.id)
    assert not [rule for rule in await iptables.rules() if installation.id in " ".join(rule)]
