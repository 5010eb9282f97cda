"""Certificates that are brought: sealed, handed to the router, looked at as visitors are shown them, warned of before their end."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from slipyard.domain.alert import AlertMetric
from slipyard.domain.errors import NotFound, ValidationFailed
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.hosts.certificates import bring_certificate, drop_certificate
from slipyard.pipeline.hosts.claim_domain import NewDomain
from slipyard.pipeline.hosts.domains import add_domain, remove_domain
from slipyard.pipeline.hosts.observe_certificates import observe_certificates
from slipyard.pipeline.hosts.own_certificates import own_certificates
from slipyard.pipeline.observing.alerts import NewAlert, make_alert
from slipyard.pipeline.observing.judge_alerts import judge_alerts
from slipyard.store.events import events_after
from slipyard.store.queries.certificates import certificates_at
from slipyard.store.tables import HostCertificate
from tests.authority import DAY, Authority, Signed
from tests.flow.system import System

HOST = "www.example.test"


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def shop(system: System) -> str:
    system.set(tls="files")
    made = (await create_app(system.context, NewApp("shop"), system.actor)).app
    await add_domain(system.context, made.id, NewDomain(HOST), system.actor)
    return made.id


async def bring(system: System, app_id: str, host: str, signed: Signed, rest: str = "") -> HostCertificate:
    return await bring_certificate(system.context, app_id, host, signed.certificate + rest, signed.key, system.actor)


def row(system: System, host: str = HOST) -> HostCertificate | None:
    return system.read(lambda session: certificates_at(session, [host])).get(host)


def said(system: System, app_id: str, kind: str) -> list[str]:
    return [event.message for event in system.read(lambda session: events_after(session, app_id, 0, kind=kind))]


@asynccontextmanager
async def served(system: System, directory: Path, signed: Signed) -> AsyncIterator[None]:
    """Shown to whoever asks at the port where apps answer with TLS."""
    (directory / "pem").write_text(signed.certificate + signed.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "pem")
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    system.set(https_port=server.sockets[0].getsockname()[1])
    async with server:
        yield


async def test_what_is_wrong_with_it_and_whose_name_it_is_are_asked_first(
    system: System, shop: str, authority: Authority
) -> None:
    with pytest.raises(ValidationFailed, match=r"is for other\.test"):
        await bring(system, shop, HOST, authority.sign("other.test"))
    with pytest.raises(NotFound, match="has no name"):
        await bring(system, shop, "other.test", authority.sign("other.test"))
    with pytest.raises(NotFound, match="No certificate was brought"):
        await drop_certificate(system.context, shop, HOST, system.actor)
    assert row(system) is None


async def test_it_is_sealed_served_replaced_and_goes_with_its_name(
    system: System, shop: str, authority: Authority
) -> None:
    first, second = authority.sign(HOST), authority.sign(HOST)
    await bring(system, shop, HOST, first, authority.chain)
    held = row(system)
    assert held is not None
    assert first.key.encode() not in (held.key_encrypted or b"")
    assert [each.key for each in await own_certificates(system.context)] == [first.key]

    await bring(system, shop, HOST, second)
    assert [each.key for each in await own_certificates(system.context)] == [second.key]
    assert ["replaced" in message for message in said(system, shop, "app.certificates")] == [False, True]
    assert not any("PRIVATE" in message for message in said(system, shop, "app"))
    await remove_domain(system.context, shop, HOST, system.actor)
    assert (row(system), await own_certificates(system.context)) == (None, [])


async def test_an_administrator_brings_one_for_the_names_that_slipyard_gives(
    system: System, shop: str, authority: Authority
) -> None:
    system.set(domain="apps.example.test")
    blog = (await create_app(system.context, NewApp("blog"), system.actor)).app.id
    everybody, others = "*.apps.example.test", replace(system.actor, scopes=frozenset({"apps:write"}))
    signed = authority.sign(everybody)
    with pytest.raises(NotFound):
        await bring_certificate(system.context, blog, everybody, signed.certificate, signed.key, others)
    await bring(system, blog, everybody, signed)
    assert len(await own_certificates(system.context)) == 1
    assert await drop_certificate(system.context, blog, everybody, system.actor) == everybody
    assert await own_certificates(system.context) == []


async def test_what_visitors_are_shown_is_written_down_and_warned_of_before_its_end(
    system: System, shop: str, authority: Authority, tmp_path: Path
) -> None:
    await make_alert(system.context, shop, NewAlert(AlertMetric.CERTIFICATE))
    await bring(system, shop, HOST, authority.sign(HOST))
    system.set(https_port=1)
    await observe_certificates(system.context)
    held = row(system)
    assert held is not None
    assert "Nobody serves" in (held.last_error or "")

    async with served(system, tmp_path, authority.sign(HOST, ends=5 * DAY)):
        await bring(system, shop, HOST, authority.sign(HOST))  # looked at again at once
        await system.control("certificates", "alerts")
        held = row(system)
        assert held is not None
        assert (held.issuer, held.last_error) == ("Between", None)
        assert held.not_after is not None
        assert held.not_after - system.clock.now() < timedelta(days=5)
        assert len(said(system, shop, "alert.firing")) == 1
        assert f"the certificate of {HOST} ends on" in said(system, shop, "alert.firing")[0]
        assert "/v1/apps/shop/certificates" in said(system, shop, "alert.firing")[0]
    async with served(system, tmp_path, authority.sign(HOST)):
        await bring(system, shop, HOST, authority.sign(HOST))
        await observe_certificates(system.context)
        await judge_alerts(system.context)
    assert len(said(system, shop, "alert.resolved")) == 1


async def test_a_certificate_of_other_names_is_no_good(
    system: System, shop: str, authority: Authority, tmp_path: Path
) -> None:
    async with served(system, tmp_path, authority.sign("other.test")):
        await observe_certificates(system.context)
    held = row(system)
    assert held is not None
    assert "for other.test" in (held.last_error or "")


async def test_a_disk_that_is_fuller_than_said_is_warned_of(system: System, shop: str) -> None:
    await make_alert(
        system.context, shop, NewAlert(AlertMetric.DISK, threshold=0.0001, resolve_below=0.0001, seconds=0)
    )
    await judge_alerts(system.context)
    assert "the disk of" in said(system, shop, "alert.firing")[0]
