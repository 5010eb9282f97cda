"""Certificates on a real Caddy: asked for at a real ACME authority, and brought by their owners, without losing a request."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from cryptography import x509

from slipyard.clients.caddy import Caddy
from slipyard.deployer.caddy_router import CaddyRouter
from slipyard.deployer.caddy_shape import AcmeShape
from slipyard.deployer.router import OwnCertificate, Route, RoutedHost, RouteState
from slipyard.domain.ids import new_id
from slipyard.domain.own_certificate import facts_of
from slipyard.domain.route_rules import HeaderRules, RouteRules
from tests.authority import Authority
from tests.dns_server import dns_server
from tests.engine.caddy_bench import TrustingBench, trusting_bench
from tests.engine.echo import echoing
from tests.engine.pebble import Pebble, pebble
from tests.engine.polling import until
from tests.engine.tls_visitors import visiting

ONE = new_id("app")
HOST = "shop.example.test"


async def serial_of(bench: TrustingBench, host: str) -> int:
    return x509.load_der_x509_certificate(await bench.wait_for_certificate(host)).serial_number


def served_serial(signed) -> int:
    return x509.load_pem_x509_certificate(signed.certificate.encode()).serial_number


async def test_an_authority_proves_a_name_over_http_and_over_tls_and_is_asked_for_no_other(tmp_path: Path):
    async with dns_server() as dns, trusting_bench() as bench, echoing("one") as one:
        await bench.router.switch(Route(ONE, 1, RouteState.AWAKE, (one.address,)))
        ways = {"http": {"http_port": bench.shape.http_port}, "tls": {"tls_port": bench.shape.https_port}}
        for way, ports in ways.items():
            host = f"{way}.example.test"
            async with pebble(tmp_path / way, dns.address, **ports) as authority:
                await _publish(bench, authority, host)
                facts = facts_of(x509.load_der_x509_certificate(await bench.wait_for_certificate(host)))
                assert facts.names == (host,)
                assert "Pebble" in facts.issuer
                assert await bench.certificate("strange.example.test") is None
                assert "strange" not in authority.log.read_text()


async def _publish(bench: TrustingBench, authority: Pebble, host: str) -> None:
    acme = AcmeShape(authority.directory_url, "ops@example.test", authority.roots)
    shape = replace(bench.shape, tls="acme", acme=acme)
    await CaddyRouter(Caddy(bench.caddy.admin), shape).publish([RoutedHost(host, ONE)])


async def test_a_certificate_that_is_brought_is_served_and_replaced_without_losing_a_request():
    authority = Authority()
    first, second, wild = authority.sign(HOST), authority.sign(HOST), authority.sign("*.example.test")
    own = {
        each: OwnCertificate(host, each.certificate + authority.chain, each.key)
        for each, host in ((first, HOST), (second, HOST), (wild, "*.example.test"))
    }
    rules = RouteRules(response_headers=HeaderRules(set={"X-Of": "api"}))
    hosts = [
        RoutedHost(HOST, ONE),
        RoutedHost(HOST, ONE, path="/api", strip_prefix=True, rules=rules.model_dump_json(by_alias=True)),
    ]
    async with trusting_bench(tls="files") as bench, echoing("one") as one:
        await bench.router.switch(Route(ONE, 1, RouteState.AWAKE, (one.address,)))
        await bench.router.publish(hosts)
        assert await bench.certificate(HOST) is None

        await bench.router.publish(hosts, [own[first]])
        assert await serial_of(bench, HOST) == served_serial(first)
        assert await bench.certificate("other.example.test") is None
        async with visiting(bench.shape.https_port, HOST) as visits:
            for certificate in (second, first, second):
                asked = visits.answered
                await bench.router.publish(hosts, [own[certificate]])
                await until(partial(_is, bench, served_serial(certificate)))
                await until(partial(_more, visits, asked))
        assert visits.failures == []

        await bench.router.publish(hosts, [own[wild]])
        await until(partial(_is, bench, served_serial(wild)))
        assert not [path for path in bench.shape.certificates.glob("*.key") if path.read_text() == second.key]
        made_by_us = CaddyRouter(Caddy(bench.caddy.admin), replace(bench.shape, tls="internal"))
        await made_by_us.publish(hosts)
        await until(partial(_is_of, bench, "Caddy"))
        await made_by_us.publish(hosts, [own[first]])
        await until(partial(_is, bench, served_serial(first)))
        await made_by_us.publish(hosts)
        await until(partial(_is_of, bench, "Caddy"))
        async with bench.visitor(HOST) as visitor:
            answer = await visitor.get("/api/x?y=z")
        assert (answer.json()["path"], answer.headers["x-of"]) == ("/x?y=z", "api")


async def _is(bench: TrustingBench, serial: int) -> bool:
    found = await bench.certificate(HOST)
    return found is not None and x509.load_der_x509_certificate(found).serial_number == serial


async def _is_of(bench: TrustingBench, issuer: str) -> bool:
    found = await bench.certificate(HOST)
    return found is not None and issuer in facts_of(x509.load_der_x509_certificate(found)).issuer


async def _more(visits, asked: int) -> bool:
    return visits.answered > asked + 20 or bool(visits.failures)
