"""What Caddy is told, and when: hosts and files, never an address."""

import json

import pytest

from slipyard.clients.caddy_fake import FakeCaddy
from slipyard.deployer.caddy_config import CaddyShape, caddy_config
from slipyard.deployer.caddy_router import CaddyRouter, caddy_shape
from slipyard.deployer.router import SLOTS, Route, RoutedHost, RouteState
from slipyard.domain.errors import SlipyardError, Unavailable, ValidationFailed
from slipyard.domain.ids import new_id
from slipyard.domain.layout import Layout
from slipyard.domain.settings import Settings

ONE, TWO = new_id("app"), new_id("app")


@pytest.fixture
def shape(tmp_path):
    return CaddyShape(tmp_path / "routes", 8080, 8443)


@pytest.fixture
def caddy():
    return FakeCaddy()


@pytest.fixture
def router(caddy, shape):
    return CaddyRouter(caddy, shape)


@pytest.mark.parametrize("host", ["", "UPPER.localhost", "a b.c", "x{env.HOME}.d", "*.localhost", "a/b", "2130706433"])
async def test_a_host_that_is_none_is_refused(router, caddy, host):
    with pytest.raises(SlipyardError):
        await router.publish([RoutedHost(host, ONE)])
    assert caddy.loads == 0


async def test_a_host_of_two_apps_is_refused(router):
    with pytest.raises(ValidationFailed, match="two apps"):
        await router.publish([RoutedHost("a.localhost", ONE), RoutedHost("a.localhost", TWO)])


async def test_a_router_that_is_away_is_unavailable_and_files_still_switch(router, caddy):
    caddy.fail_next(Unavailable("away"))
    with pytest.raises(Unavailable):
        await router.publish([])
    caddy.fail_next(Unavailable("away"))
    route = Route(ONE, 1, RouteState.AWAKE, ("10.0.0.2:3000",))
    await router.switch(route)
    assert await router.current(ONE) == route


async def test_caddy_is_told_only_of_a_change_of_hosts(router, caddy):
    hosts = [RoutedHost("b.localhost", TWO), RoutedHost("a.localhost", ONE)]
    await router.publish(hosts)
    await router.publish(list(reversed(hosts)))
    await router.switch(Route(ONE, 1, RouteState.AWAKE, ("10.0.0.2:3000",)))
    assert caddy.loads == 1
    await router.publish(hosts[:1])
    assert caddy.loads == 2


async def test_where_caddy_takes_orders_stays_as_it_was(router, caddy):
    await caddy.load({"admin": {"listen": "unix//run/x.sock"}})
    await router.publish([RoutedHost("a.localhost", ONE)])
    assert (await caddy.config())["admin"] == {"listen": "unix//run/x.sock"}


async def test_requests_in_flight_are_summed_over_the_addresses(router, caddy):
    caddy.requests.update({"10.0.0.2:80": 3, "10.0.0.3:80": 4, "10.0.0.4:80": 5})
    assert await router.in_flight(["10.0.0.2:80", "10.0.0.3:80", "10.0.0.9:80"]) == 7


def test_every_slot_is_dialled_from_its_file_and_every_other_host_is_404(shape):
    [server] = caddy_config([RoutedHost("a.localhost", ONE)], shape)["apps"]["http"]["servers"].values()
    app, rest = server["routes"]
    proxy = app["handle"][0]["routes"][0]["handle"][-1]
    assert [upstream["dial"] for upstream in proxy["upstreams"]] == [
        f"{{file.{shape.routes}/{ONE}/current/{slot}}}" for slot in range(SLOTS)
    ]
    assert "health_checks" not in proxy
    assert "match" not in rest
    assert rest["handle"][0]["status_code"] == 404


def test_with_tls_plain_http_only_points_to_https(shape):
    config = caddy_config([RoutedHost("a.localhost", ONE)], CaddyShape(shape.routes, 80, 443, tls="internal"))
    servers = config["apps"]["http"]["servers"]
    assert servers["apps"]["listen"] == [":443"]
    assert "https://{http.request.host}{http.request.uri}" in json.dumps(servers["to_https"])
    assert config["apps"]["tls"]["automation"]["policies"] == [{"issuers": [{"module": "internal"}]}]


def test_a_way_of_tls_that_is_not_served_is_refused(tmp_path):
    with pytest.raises(ValidationFailed, match="SLIPYARD_TLS"):
        caddy_shape(Settings(home=tmp_path, tls="files"), Layout(tmp_path))
