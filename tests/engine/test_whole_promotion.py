"""One image through two apps and back on a real engine, and maintenance that visitors see while a deployment goes on."""

import html
import json
from collections.abc import Iterator
from contextlib import closing

import docker
import httpx
import pytest

from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp, new_app
from tests.engine.whole_load import Load
from tests.flow.repository import Repository

# Says whose configuration it runs with.
SAYS = "FROM busybox\nSTOPSIGNAL SIGKILL\nCOPY index.html /\nCMD mkdir -p /www; echo $(cat /index.html) in $STAGE > /www/index.html; exec httpd -f -p $PORT -h /www\n"
MESSAGE = "Counting <all> the stock"


@pytest.fixture
def shop(whole_app: WholeApp, repository: Repository) -> Iterator[WholeApp]:
    app = new_app(whole_app.slipyard, repository)
    yield app
    app.delete()


def test_a_live_digest_goes_to_another_app_and_back_and_outlives_where_it_was_built(
    whole_app: WholeApp, shop: WholeApp
) -> None:
    staging, slipyard = whole_app, whole_app.slipyard
    staging.create(env_vars={"STAGE": "staging"})
    shop.create(env_vars={"STAGE": "production"})
    staging.push("one", SAYS)

    said = json.loads(slipyard.slipyard("promote", staging.slug, "--to", shop.slug, "--json"))
    assert (said["status"], said["trigger"]) == ("active", "promotion")
    assert [f"{at['app']} {at['kind']}" for at in said["chain"]] == [
        f"{staging.slug} build",
        f"{staging.slug} deployment",
        f"{shop.slug} deployment",
    ]
    assert (staging.text().strip(), shop.text().strip()) == ("one in staging", "one in production")
    assert image_ids(staging) == image_ids(shop)
    assert shop.builds() == []

    staging.push("two", SAYS)
    slipyard.slipyard("promote", staging.slug, "--to", shop.slug)
    slipyard.slipyard("promote", shop.slug, "--to", staging.slug, "--deployment", "1")
    assert (staging.text().strip(), shop.text().strip()) == ("one in staging", "two in production")

    staging.delete()
    wait_until(lambda: is_gone(staging))
    slipyard.slipyard("rollback", "--app", shop.slug)
    assert shop.text().strip() == "one in production"


def test_visitors_see_the_page_and_then_the_newest_and_nothing_else(whole_app: WholeApp) -> None:
    whole_app.push("one")

    with Load(whole_app) as load:
        whole_app.slipyard.slipyard("maintenance", "on", whole_app.slug, "-m", MESSAGE)
        page = whole_app.slipyard.answer(whole_app.slug)
        whole_app.push("two")
        load.more()
        whole_app.slipyard.slipyard("maintenance", "off", whole_app.slug)
        newest = whole_app.text()
        load.more()

    assert (page.status_code, page.headers["Retry-After"]) == (httpx.codes.SERVICE_UNAVAILABLE, "30")
    assert html.escape(MESSAGE) in page.text
    assert newest == "two"
    assert load.broken == []
    assert set(load.seen) == {(200, "one"), (503, page.text), (200, "two")}


def image_ids(app: WholeApp) -> set[str]:
    with closing(docker.from_env()) as engine:
        return {engine.api.inspect_container(container)["Image"] for container in app.container_ids()}


def is_gone(app: WholeApp) -> bool:
    with app.slipyard.client() as client:
        return client.get(f"/apps/{app.slug}").status_code == httpx.codes.NOT_FOUND
