"""What Caddy is told, and when: hosts and files, never an address."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from slipyard.cli.up.caddy_service import caddy_service
from slipyard.clients.caddy_fake import FakeCaddy
from slipyard.deployer.caddy_config import caddy_config
from slipyard.deployer.caddy_dns import DnsProvider, dns_environment, require_module
from slipyard.deployer.caddy_editions import Edition
from slipyard.deployer.caddy_router import CaddyRouter, caddy_shape
from slipyard.deployer.caddy_shape import AcmeShape, CaddyShape
from slipyard.deployer.router import SLOTS, OwnCertificate, Route, RoutedHost, RouteState
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


@pytest.mark.parametrize(
    "host", ["", "UPPER.localhost", "a b.c", "x{env.HOME}.d", "*.*.localhost", "a/b", "2130706433"]
)
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


async def test_the_same_hosts_again_are_no_load(router, caddy):
    hosts = [RoutedHost("b.localhost", TWO), RoutedHost("a.localhost", ONE)]
    await router.publish(hosts)
    await router.publish(list(reversed(hosts)))
    await router.switch(Route(ONE, 1, RouteState.AWAKE, ("10.0.0.2:3000",)))
    assert caddy.loads == 1


async def test_a_host_that_comes_is_written_into_a_spare_and_caddy_is_told_nothing(router, caddy, shape):
    await router.publish([RoutedHost("a.localhost", ONE)])
    await router.publish([RoutedHost("a.localhost", ONE), RoutedHost("b.localhost", TWO)])
    assert caddy.loads == 1
    spare = shape.routes / "editions" / "1" / "spares" / "0"
    assert [(spare / name).read_text() for name in ("host", "app")] == ["b.localhost", TWO]
    assert (spare / "route").readlink() == shape.routes / TWO


async def test_a_host_that_goes_has_no_owner_and_caddy_is_told_nothing(router, caddy, shape):
    await router.publish([RoutedHost("a.localhost", ONE)])
    await router.publish([RoutedHost("b.localhost", TWO)])
    await router.publish([])
    assert caddy.loads == 1
    edition = shape.routes / "editions" / "1"
    assert (edition / "owners" / "a.localhost").read_text() == "-"
    assert (edition / "spares" / "0" / "host").read_text() == "-"


async def test_a_spare_is_never_used_again_and_a_new_edition_prints_what_there_is(router, caddy, shape):
    await router.publish([])
    for number in range(shape.spares + 1):
        assert caddy.loads == 1
        await router.publish([RoutedHost(f"n{number}.localhost", new_id("app"))])
    assert caddy.loads == 2
    assert f"n{shape.spares}.localhost" in json.dumps(await caddy.config())


async def test_many_hosts_at_once_are_one_load(router, caddy, shape):
    await router.publish([])
    await router.publish([RoutedHost(f"n{number}.localhost", ONE) for number in range(shape.spares + 1)])
    assert caddy.loads == 2


async def test_a_host_that_goes_over_to_another_app_leaves_the_first(router, caddy, shape):
    await router.publish([RoutedHost("a.localhost", ONE)])
    await router.publish([RoutedHost("a.localhost", TWO)])
    edition = shape.routes / "editions" / "1"
    assert caddy.loads == 1
    assert (edition / "owners" / "a.localhost").read_text() == "-"
    assert (edition / "spares" / "0" / "app").read_text() == TWO


@pytest.mark.parametrize("torn", ["", "null", "[1]", '[{"host": 1}]'])
async def test_after_a_power_cut_that_tore_the_files_a_new_edition_is_made(router, caddy, shape, torn):
    await router.publish([RoutedHost("a.localhost", ONE)])
    (shape.routes / "editions" / "1" / "hosts.json").write_text(torn)
    await router.publish([RoutedHost("a.localhost", ONE)])
    assert caddy.loads == 2
    await router.publish([RoutedHost("a.localhost", ONE)])
    assert caddy.loads == 2


async def test_an_empty_owner_or_spare_is_written_again(router, caddy, shape):
    hosts = [RoutedHost("a.localhost", ONE), RoutedHost("b.localhost", TWO)]
    await router.publish(hosts[:1])
    await router.publish(hosts)
    edition = shape.routes / "editions" / "1"
    (edition / "owners" / "a.localhost").write_text("")
    (edition / "spares" / "0" / "host").write_text("")
    await router.publish(hosts)
    assert (edition / "owners" / "a.localhost").read_text() == ONE
    assert [(edition / "spares" / spare / "host").read_text() for spare in "01"] == ["-", "b.localhost"]
    assert caddy.loads == 1


async def test_other_settings_are_a_new_edition(caddy, shape):
    await CaddyRouter(caddy, shape).publish([])
    await CaddyRouter(caddy, replace(shape, http_port=8081)).publish([])
    assert caddy.loads == 2


async def test_old_editions_go_but_for_the_one_that_still_answers_its_requests(caddy, shape):
    for port in range(8080, 8085):
        await CaddyRouter(caddy, replace(shape, http_port=port)).publish([])
    assert sorted(path.name for path in (shape.routes / "editions").iterdir()) == ["4", "5"]


@pytest.mark.parametrize("tls", ["internal", "acme", "files"])
async def test_with_tls_too_a_new_host_is_no_load_and_may_have_a_certificate(caddy, shape, tls):
    router = CaddyRouter(caddy, replace(shape, tls=tls))
    await router.publish([])
    await router.publish([RoutedHost("a.localhost", ONE), RoutedHost("*.b.localhost", TWO)])
    assert sorted(path.name for path in shape.names.iterdir()) == ["_.b.localhost", "a.localhost"]
    await router.publish([RoutedHost("c.localhost", ONE)])
    assert [path.name for path in shape.names.iterdir()] == ["c.localhost"]
    assert caddy.loads == 2  # the first, and the wildcard


@pytest.mark.parametrize(
    "routed",
    [
        RoutedHost("a.localhost", ONE, path="/api"),
        RoutedHost("a.localhost", ONE, redirect_to="b.localhost"),
        RoutedHost("a.localhost", ONE, rules='{"max_body_bytes":1}'),
        RoutedHost("*.a.localhost", ONE),
    ],
)
async def test_a_host_that_does_more_than_lead_to_its_app_is_in_the_configuration(router, caddy, routed):
    await router.publish([])
    await router.publish([routed])
    await router.publish([routed])
    assert caddy.loads == 2
    await router.publish([])
    assert caddy.loads == 2


async def test_names_go_before_wildcards_and_longer_paths_before_shorter_ones(router, caddy):
    hosts = [
        RoutedHost("*.localhost", ONE), RoutedHost("a.localhost", ONE), RoutedHost("a.localhost", TWO, path="/api"),
        RoutedHost("a.localhost", ONE, path="/api/v2", strip_prefix=True),
    ]  # fmt: skip
    await router.publish(hosts)
    [server] = (await caddy.config())["apps"]["http"]["servers"].values()
    printed = [route["match"][0] for route in server["routes"] if "match" in route and "host" in route["match"][0]]
    assert printed[0] == {"host": ["a.localhost"], "path": ["/api/v2", "/api/v2/*"]}
    assert printed[1] == {"host": ["a.localhost"], "path": ["/api", "/api/*"]}
    assert printed[2] == {"host": ["a.localhost"]}
    assert printed[-1] == {"host": ["*.localhost"]}
    assert "spares" in str(printed[-2])


async def test_a_certificate_that_was_brought_is_loaded_and_its_key_is_for_its_owner_alone(caddy, shape):
    router, hosts = CaddyRouter(caddy, replace(shape, tls="files")), [RoutedHost("a.localhost", ONE)]
    for key in ("KEY", "KEY", "ANOTHER"):
        await router.publish(hosts, [OwnCertificate("a.localhost", "CHAIN", key)])
    assert caddy.loads == 2
    [loaded] = (await caddy.config())["apps"]["tls"]["certificates"]["load_files"]
    chain, key = (shape.certificates / Path(loaded[half]).name for half in ("certificate", "key"))
    assert (chain.read_text(), key.read_text()) == ("CHAIN", "ANOTHER")
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(list(shape.certificates.iterdir())) == 2
    await router.publish(hosts)
    assert list(shape.certificates.iterdir()) == []


async def test_where_caddy_takes_orders_stays_as_it_was(router, caddy):
    await caddy.load({"admin": {"listen": "unix//run/x.sock"}})
    await router.publish([RoutedHost("a.localhost", ONE)])
    assert (await caddy.config())["admin"] == {"listen": "unix//run/x.sock"}


async def test_requests_in_flight_are_summed_over_the_addresses(router, caddy):
    caddy.requests.update({"10.0.0.2:80": 3, "10.0.0.3:80": 4, "10.0.0.4:80": 5})
    assert await router.in_flight(["10.0.0.2:80", "10.0.0.3:80", "10.0.0.9:80"]) == 7


def test_every_slot_is_dialled_from_its_file_and_every_other_host_is_404(shape):
    [server] = caddy_config(edition(RoutedHost("a.localhost", ONE)), shape)["apps"]["http"]["servers"].values()
    _leaving, app, rest = server["routes"]
    [owned] = app["handle"][0]["routes"]
    proxy = owned["handle"][0]["routes"][0]["handle"][-1]
    assert [upstream["dial"] for upstream in proxy["upstreams"]] == [
        f"{{file.{shape.routes}/{ONE}/current/{slot}}}" for slot in range(SLOTS)
    ]
    assert "health_checks" not in proxy
    assert "match" not in rest
    assert rest["handle"][0]["status_code"] == 404


def test_with_tls_plain_http_only_points_to_https(shape):
    secured = CaddyShape(shape.routes, 80, 443, tls="internal")
    config = caddy_config(edition(RoutedHost("a.localhost", ONE)), secured)
    servers = config["apps"]["http"]["servers"]
    assert servers["apps"]["listen"] == [":443"]
    assert "https://{http.request.host}{http.request.uri}" in json.dumps(servers["to_https"])
    assert config["apps"]["tls"]["automation"]["policies"] == [{"issuers": [{"module": "internal"}], "on_demand": True}]
    assert "127.0.0.1:80/" in config["apps"]["tls"]["automation"]["on_demand"]["permission"]["endpoint"]


def test_from_one_edition_to_the_next_inherited_sockets_change_their_number(shape):
    inherited = replace(shape, tls="internal", inherited=True)
    servers = [caddy_config(edition(number=number), inherited)["apps"]["http"]["servers"] for number in (1, 2, 3)]
    assert [each["apps"]["listen"] for each in servers] == [["fd/6"], ["fd/5"], ["fd/6"]]
    assert [each["to_https"]["listen"] for each in servers] == [["fd/4"], ["fd/3"], ["fd/4"]]
    assert servers[0]["apps"]["tls_connection_policies"] == [{}]


def edition(*hosts: RoutedHost, number: int = 1) -> Edition:
    return Edition(number, Path("/editions") / str(number), hosts)


def test_a_directory_of_ones_own_is_asked_for_certificates(tmp_path):
    settings = Settings(home=tmp_path, tls="acme", acme_directory="https://ca.example/dir", acme_email="a@b.example")
    [policy] = caddy_config(edition(), caddy_shape(settings, Layout(tmp_path)))["apps"]["tls"]["automation"]["policies"]
    [issuer] = policy["issuers"]
    assert (issuer["ca"], issuer["email"]) == ("https://ca.example/dir", "a@b.example")
    assert issuer["challenges"]["http"]["alternate_port"] == settings.http_port


DNS = DnsProvider("cloudflare", ("api_token",), "127.0.0.1:53")


def test_with_a_dns_provider_wildcards_get_one_certificate_beforehand_and_the_secret_stays_outside(shape, tmp_path):
    hosts = (RoutedHost("*.wild.test", ONE), RoutedHost("a.test", ONE))
    edition = Edition(1, tmp_path / "1", hosts)
    told = caddy_config(edition, replace(shape, tls="acme", acme=AcmeShape(dns=DNS)))["apps"]["tls"]
    assert told["certificates"] == {"automate": ["*.wild.test"]}
    wild, others = told["automation"]["policies"]
    assert (wild["subjects"], "on_demand" in wild) == (["*.wild.test"], False)
    assert wild["issuers"][0]["challenges"]["dns"]["provider"] == {
        "name": "cloudflare",
        "api_token": "{env.SLIPYARD_ACME_DNS_API_TOKEN}",
    }
    assert [set(issuer["challenges"]) for issuer in others["issuers"]] == [{"http", "tls-alpn"}, {"dns"}]
    plain = caddy_config(edition, replace(shape, tls="acme"))["apps"]["tls"]
    assert "certificates" not in plain
    assert len(plain["automation"]["policies"]) == 1


def test_a_provider_that_this_caddy_has_no_module_for_is_refused_before_it_starts(tmp_path):
    settings = Settings(home=tmp_path, tls="acme", acme_dns={"name": "cloudflare", "api_token": "s3cret"})
    layout = Layout(tmp_path)
    layout.run.mkdir(parents=True)
    with pytest.raises(ValidationFailed, match=r"no module dns\.providers\.cloudflare.*xcaddy build"):
        caddy_service(settings, layout)
    require_module(DNS, {"http", "dns.providers.cloudflare"})
    assert dns_environment(settings) == {"SLIPYARD_ACME_DNS_API_TOKEN": "s3cret"}
    assert "s3cret" not in repr(settings)
    for wrong in ({"tls": "internal"}, {"acme_dns": {"api_token": SecretStr("s3cret")}}):
        with pytest.raises(ValidationFailed, match="SLIPYARD_ACME_DNS"):
            caddy_shape(settings.model_copy(update=wrong), layout)
