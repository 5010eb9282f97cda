"""Rules of a route and the route as one document, over the API and by the command line."""

import asyncio
import os
import stat

import bcrypt
import pytest

from slipyard.cli.main import run
from slipyard.domain.route_rules import RouteRules
from slipyard.pipeline.hosts.publish_hosts import routed_hosts
from slipyard.store.queries.route_rules import rules_of
from tests.flow.api.api_server import ApiServer

PATH = "/v1/apps/shop"
SECRET = "a very secret pass"


@pytest.fixture
async def shop(quiet_api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> ApiServer:
    monkeypatch.setenv("SLIPYARD_URL", quiet_api.url)
    monkeypatch.setenv("SLIPYARD_TOKEN", quiet_api.secret)
    for name in ("shop", "blog"):
        (await quiet_api.client.post("/v1/apps", json={"name": name})).raise_for_status()
    return quiet_api


async def slipyard(*arguments: str) -> int:
    return await asyncio.to_thread(run, arguments)


async def app_id(shop: ApiServer, name: str = "shop") -> str:
    return str((await shop.client.get(f"/v1/apps/{name}")).json()["id"])


async def kept(shop: ApiServer) -> RouteRules:
    found = await app_id(shop)
    return shop.system.read(lambda session: rules_of(session, found))


async def route(shop: ApiServer) -> tuple[str, str]:
    answer = await shop.client.get(f"{PATH}/route")
    assert answer.headers["content-type"] == "application/yaml"
    return answer.text, answer.headers["etag"]


IMPOSSIBLE = [
    ({"allow": ["10.0.0.0/33"]}, "allow"),
    ({"response_headers": {"set": {"Connection": "close"}}}, "router's own"),
    ({"response_headers": {"set": {"X-A": "{env.HOME}"}}}, "braces"),
    ({"request_headers": {"set": {"X-A": "a"}, "remove": ["x-a"]}}, "both set and removed"),
    ({"redirects": [{"from": "/a", "to": "//evil.test"}]}, "redirects"),
    ({"max_body_bytes": 0}, "max_body_bytes"),
    ({"basic_auth": [{"username": "a", "password_hash": "plain"}]}, "bcrypt"),
    ({"basic_auth": [{"username": "a", "password": "x" * 73}]}, "basic_auth"),
    ({"basic_auth": [{"username": "a", "password_fingerprint": "0123"}]}, "fingerprint"),
    ({"basic_auth": [{"username": "a", "password": "x"}, {"username": "a", "password": "y"}]}, "twice"),
    ({"timeouts": {"answer_seconds": 0}}, "answer_seconds"),
    ({"alow": []}, "alow"),
]


async def test_a_rule_that_cannot_be_is_refused_and_changes_nothing(shop: ApiServer):
    for body, says in IMPOSSIBLE:
        answer = await shop.client.patch(f"{PATH}/rules", json=body)
        assert answer.status_code == 422, body
        assert says in answer.text
    assert await kept(shop) == RouteRules()


async def test_a_password_is_kept_as_a_hash_shown_as_a_fingerprint_and_stays_when_that_is_sent_back(shop: ApiServer):
    body = {"basic_auth": [{"username": "ops", "password": SECRET}], "max_body_bytes": 1000}
    made = await shop.client.patch(f"{PATH}/rules", json=body)
    (account,) = made.json()["rules"]["basic_auth"]
    (held,) = (await kept(shop)).basic_auth
    assert bcrypt.checkpw(SECRET.encode(), held.password_hash.encode())
    assert SECRET not in made.text
    assert held.password_hash not in made.text

    stale = made.headers["etag"]
    more = {"basic_auth": [
        {"username": "ops", "password_fingerprint": account["password_fingerprint"]},
        {"username": "dev", "password": "other"},
    ]}  # fmt: skip
    assert (await shop.client.patch(f"{PATH}/rules", json=more, headers={"If-Match": stale})).status_code == 200
    assert (await kept(shop)).basic_auth[0] == held
    assert (await kept(shop)).max_body_bytes == 1000
    assert (await shop.client.patch(f"{PATH}/rules", json=more, headers={"If-Match": stale})).status_code == 412
    assert (await shop.client.patch(f"{PATH}/rules", json={"basic_auth": None})).json()["rules"]["basic_auth"] == []
    said = (await shop.client.get(f"{PATH}/events?kind=app.route")).json()["events"]
    assert [event["data"]["changed"] for event in said] == [
        ["max body bytes", "basic auth"],
        ["basic auth"],
        ["basic auth"],
    ]


async def test_the_route_comes_back_as_the_same_bytes_and_changes_as_a_whole(shop: ApiServer):
    await shop.client.post(f"{PATH}/domains", json={"domain": "old.example.test"})
    await shop.client.patch(f"{PATH}/rules", json={"basic_auth": [{"username": "ops", "password": SECRET}]})
    text, etag = await route(shop)
    same = await shop.client.put(f"{PATH}/route", content=text, headers={"If-Match": etag})
    assert (same.text, same.headers["etag"]) == (text, etag)

    changed = text.replace("old.example.test", "new.example.test").replace("allow: []", "allow: [127.0.0.0/8]")
    done = await shop.client.put(f"{PATH}/route", content=changed, headers={"If-Match": etag})
    assert done.status_code == 200, done.text
    assert (await shop.client.put(f"{PATH}/route", content=text, headers={"If-Match": etag})).status_code == 412
    found = await app_id(shop)
    hosts = [each for each in shop.system.read(routed_hosts) if each.app_id == found]
    assert {each.host for each in hosts} == {"shop.localhost", "new.example.test"}
    rules = RouteRules.model_validate_json(hosts[0].rules)
    assert [str(network) for network in rules.allow] == ["127.0.0.0/8"]
    assert bcrypt.checkpw(SECRET.encode(), rules.basic_auth[0].password_hash.encode())


async def test_a_route_that_cannot_be_is_refused_with_its_line_and_nothing_changes(shop: ApiServer):
    await shop.client.post("/v1/apps/blog/domains", json={"domain": "blog.example.test"})
    text, etag = await route(shop)
    broken = {
        text.replace("max_body_bytes", "max_body"): "line 5: rules.max_body: there is no such key",
        text.replace("allow: []", "allow: [everybody]"): "line 4: rules.allow.0",
        text.replace("rules:", "rule:"): "rule",
        text + "rules: {}\n": "twice",
        "": "begin with",
        text.replace("domains: []", "domains: [{host: blog.example.test}]"): "leads to an app already",
        text.replace("domains: []", "domains: [{host: a.test}, {host: A.test}]"): "twice",
        "\xff".encode("latin-1"): "UTF-8",
    }
    for content, says in broken.items():
        answer = await shop.client.put(f"{PATH}/route", content=content)
        assert answer.status_code in {409, 422}, answer.text
        assert says in answer.text
    assert await route(shop) == (text, etag)


async def test_what_protects_an_app_protects_its_previews(shop: ApiServer):
    await shop.client.patch(f"{PATH}/rules", json={"allow": ["192.0.2.0/24"]})
    parent, child = await app_id(shop), await app_id(shop, "blog")
    with shop.context.database.write() as session:
        from_table = session.get_one(type(shop.system.app(child)), child)
        from_table.parent_id = parent
    assert {each.app_id for each in shop.system.read(routed_hosts) if "192.0.2.0" in each.rules} == {parent, child}


async def test_commands_change_rules_one_by_one_and_keep_the_others(
    shop: ApiServer, capsys: pytest.CaptureFixture[str], tmp_path
):
    (tmp_path / "password").write_text(SECRET)
    commands = (
        ("set", "--allow", "127.0.0.0/8", "--max-body", "10Mi", "--answer-within", "30s"),
        ("set", "--silence", "5m"),
        ("password", "ops", "--file", str(tmp_path / "password")),
        ("header", "X-Frame-Options", "DENY"),
        ("header", "X-Tenant", "acme", "--request"),
        ("header", "Server", "--remove"),
        ("redirect", "/old/*", "/new"),
    )
    for command in commands:
        assert await slipyard("rules", *command, "-a", "shop") == 0
    rules = await kept(shop)
    assert rules.max_body_bytes == 10 * 1024 * 1024
    assert (rules.timeouts.answer_seconds, rules.timeouts.silence_seconds) == (30, 300)
    assert rules.response_headers.set == {"X-Frame-Options": "DENY"}
    assert rules.response_headers.remove == ("Server",)
    assert rules.request_headers.set == {"X-Tenant": "acme"}
    assert rules.redirects[0].source == "/old/*"
    capsys.readouterr()
    assert await slipyard("rules", "show", "-a", "shop") == 0
    shown = capsys.readouterr().out
    assert "ops" in shown
    assert SECRET not in shown

    for command in (
        ("header", "x-frame-options", "--forget"),
        ("redirect", "/old/*"),
        ("password", "ops", "--remove"),
        ("set", "--allow-all", "--max-body", "none", "--answer-within", "none", "--silence", "none"),
        ("header", "server", "--forget"),
        ("header", "X-Tenant", "--request", "--forget"),
    ):
        assert await slipyard("rules", *command, "-a", "shop") == 0
    assert await kept(shop) == RouteRules()
    assert await slipyard("rules", "header", "X-A", "-a", "shop") == 2


async def test_the_route_is_shown_edited_and_applied_from_a_file(
    shop: ApiServer, capsys: pytest.CaptureFixture[str], tmp_path, monkeypatch: pytest.MonkeyPatch
):
    assert await slipyard("route", "show", "shop") == 0
    text, _ = await route(shop)
    assert text in capsys.readouterr().out
    file = tmp_path / "route.yaml"
    file.write_text(text.replace("max_body_bytes: null", "max_body_bytes: 5"))
    assert await slipyard("route", "apply", str(file), "shop") == 0
    assert (await kept(shop)).max_body_bytes == 5

    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/max_body_bytes: 5/max_body_bytes: 7/" "$1"\n')
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("VISUAL", os.fspath(editor))
    assert await slipyard("route", "edit", "shop") == 0
    assert (await kept(shop)).max_body_bytes == 7
    editor.write_text("#!/bin/sh\nexit 3\n")
    assert await slipyard("route", "edit", "shop") == 2
    file.write_text("domains: []\n")
    assert await slipyard("route", "apply", str(file), "shop") == 3


async def test_a_name_is_added_with_and_without_www(shop: ApiServer, capsys: pytest.CaptureFixture[str]):
    assert await slipyard("domains", "add", "shop", "example.test", "--www") == 0
    assert await slipyard("domains", "add", "shop", "www.other.test", "--www") == 0
    rows = (await shop.client.get(f"{PATH}/domains")).json()["domains"]
    assert {row["domain"]: row["redirect_to"] for row in rows} == {
        "example.test": None,
        "www.example.test": "example.test",
        "www.other.test": None,
        "other.test": "www.other.test",
    }
    assert await slipyard("domains", "add", "shop", "third.test/api", "--www") == 3
    assert await slipyard("domains", "verify", "shop", "example.test") == 0
