"""Going back under load: a thaw and a rename, asked for by somebody or by a release that went bad. No request is lost."""

from tests.engine.sudden_server import DOCKERFILE, SERVER
from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp
from tests.engine.whole_load import READ, SLOW, WRITE, Load


def release(app: WholeApp, text: str) -> None:
    app.repository.commit(text, Dockerfile=DOCKERFILE, server__py=SERVER, index__html=text)
    app.slipyard.git_push(app.repository.path, app.slug)


def test_going_back_to_the_paused_release_starts_no_container_and_loses_no_request(whole_app: WholeApp) -> None:
    release(whole_app, "first")
    release(whole_app, "second")
    paused = whole_app.wait_paused()
    containers = {each["Id"] for each in whole_app.all_containers()}

    expected = whole_app.slipyard.slipyard("rollback", "--app", whole_app.slug, "--dry-run")
    assert "they only have to be thawed" in expected
    assert "The commit goes from" in expected

    with Load(whole_app, READ, WRITE, SLOW) as load:
        said = whole_app.slipyard.slipyard("rollback", "--app", whole_app.slug)
        load.more()

    assert load.lost == []
    assert load.texts == {"first", "second"}
    assert [each["id"] for each in whole_app.instances("running")] == paused
    assert {each["Id"] for each in whole_app.all_containers()} <= containers
    assert "run on" in said
    assert whole_app.deployments()[0]["way_back"] == "thawed"


def test_a_release_that_dies_after_the_switch_is_left_by_itself_and_loses_no_request(whole_app: WholeApp) -> None:
    release(whole_app, "first")

    with Load(whole_app, READ) as load:
        release(whole_app, "second dies")
        wait_until(lambda: whole_app.deployments()[0]["trigger"] == "rollback")
        wait_until(lambda: whole_app.deployments()[0]["status"] == "active")
        load.more()

    back, bad, _ = whole_app.deployments()
    assert load.lost == []
    assert load.texts == {"first", "second dies"}
    assert whole_app.text() == "first"
    assert (bad["status"], bad["log_tail"]) == ("rolled_back", ["the cache is corrupt"])
    assert "ended" in bad["error"]
    assert back["actor"] == "slipyard"


def test_an_image_that_is_in_the_registry_alone_is_pulled_by_its_digest(whole_app: WholeApp) -> None:
    for text in ("first", "second", "third"):
        release(whole_app, text)
    wait_until(lambda: all(build["published_at"] for build in whole_app.builds()))
    whole_app.wait_paused()
    first = whole_app.deployments()[-1]
    wait_until(lambda: len(whole_app.all_containers()) == 2)  # the third and the second
    whole_app.remove_image(whole_app.builds()[-1]["image_id"])

    whole_app.slipyard.slipyard("rollback", "--app", whole_app.slug, str(first["number"]))

    assert whole_app.text() == "first"
    assert whole_app.deployments()[0]["way_back"] == "pulled"
