from datetime import timedelta

import pytest
from sqlmodel import select

from slipyard.domain.lifecycle import BuildStatus, DeploymentStatus
from slipyard.store.pruning import (
    prune_deliveries,
    prune_delivery_bodies,
    prune_job_tokens,
    prune_kept_answers,
    prune_login_links,
)
from slipyard.store.queries import retention
from slipyard.store.queries.deliveries import list_deliveries
from slipyard.store.queries.kept_releases import kept_releases
from slipyard.store.queries.retention import (
    build_logs_to_keep,
    deployment_logs_to_keep,
    images_due,
    let_image_go,
    snapshots_to_keep,
    unneeded_images,
)
from slipyard.store.tables import Build, Decision, KeptAnswer, Release, Token
from slipyard.store.tokens import LOGIN_LINK_LIFETIME, new_login_link, new_token
from tests.unit.store.rows import (
    NOW,
    add_app,
    add_build,
    add_built,
    add_delivery,
    add_deployment,
    add_hook,
    add_organization,
    add_release,
    add_served,
)

SUPERSEDED, ACTIVE = DeploymentStatus.SUPERSEDED, DeploymentStatus.ACTIVE
KEEP = 2


@pytest.fixture
def session(database):
    with database.write() as session:
        yield session


@pytest.fixture
def app(session):
    return add_app(session)


def add_history(session, app, *images):
    """The last of them is active."""
    *past, present = images
    rows = [add_served(session, app, image, SUPERSEDED) for image in past]
    return [*rows, add_served(session, app, present, ACTIVE)]


def unneeded(session, keep=KEEP):
    return [image.reference for image in unneeded_images(session, keep)]


def kept(session, keep=KEEP):
    return [release.config.image.reference for release in kept_releases(session, keep)]


def test_the_active_release_and_those_it_can_go_back_to_stay(session, app):
    add_history(session, app, "1", "2", "3", "4")
    assert kept(session) == ["registry/2", "registry/3", "registry/4"]
    assert unneeded(session) == ["registry/1"]


def test_an_old_release_that_is_active_again_stays_beside_the_newest(session, app):
    first, *_, last = add_history(session, app, "1", "2", "3", "4", "5")
    last.status = SUPERSEDED
    session.flush()
    add_deployment(session, app, ACTIVE, release_id=first.release_id)
    assert kept(session) == ["registry/1", "registry/4", "registry/5"]


def test_the_image_of_a_deployment_under_way_stays(session, app):
    add_history(session, app, "1", "2", "3")
    waiting = add_built(session, app, "built and waits")
    add_deployment(session, app, DeploymentStatus.BUILDING, build_id=waiting.id)
    going_back = add_release(session, app, "pending")
    add_deployment(session, app, DeploymentStatus.PENDING, release_id=going_back.id)
    assert unneeded(session, keep=1) == ["registry/1"]


def test_the_newest_build_stays_though_nobody_deployed_it(session, app):
    add_built(session, app, "older")
    add_built(session, app, "newest")
    assert unneeded(session) == ["registry/older"]


def test_what_went_bad_or_never_served_goes(session, app):
    for status in (DeploymentStatus.FAILED, DeploymentStatus.ROLLED_BACK, DeploymentStatus.CANCELLED):
        add_served(session, app, status, status)
    add_history(session, app, "good")
    assert unneeded(session) == ["registry/failed", "registry/rolled_back", "registry/cancelled"]


def test_nothing_of_an_app_that_is_being_deleted_stays(session, app):
    add_history(session, app, "1", "2")
    app.deleting_at = NOW
    session.flush()
    assert unneeded(session) == []  # its containers may still run; they go first, and take the images with them
    app.deleted_at = NOW
    session.flush()
    assert unneeded(session) == ["registry/1", "registry/2"]
    assert snapshots_to_keep(session, KEEP) == set()
    assert build_logs_to_keep(session, KEEP) == set()
    assert deployment_logs_to_keep(session) == set()


def test_an_image_under_two_names_stays_while_one_is_needed(session, app):
    add_built(session, app, "old-name", image_id="sha256:same")
    add_built(session, app, "new-name", image_id="sha256:same")
    [image] = unneeded_images(session, KEEP)
    assert image.reference == "registry/old-name"
    assert image.shared


def test_a_name_that_a_kept_release_has_from_an_older_build_stays(session, app):
    first = add_built(session, app, "same")
    release = add_release(session, app, "same", build_id=first.id)
    add_deployment(session, app, ACTIVE, release_id=release.id)
    add_built(session, app, "newest")
    assert unneeded(session) == []


def test_an_image_goes_once_and_is_not_asked_about_again(session, app):
    add_history(session, app, "1", "2", "3", "4")
    [image] = unneeded_images(session, KEEP)
    assert let_image_go(session, image, KEEP, NOW)
    build = session.get(Build, image.build_id)
    assert (build.image_removed_at, images_due(session)) == (NOW, [image])
    build.removal_due = False
    session.flush()
    assert images_due(session) == []
    assert not let_image_go(session, image, KEEP, NOW)
    assert unneeded(session) == []


def test_an_image_that_is_needed_again_meanwhile_does_not_go(session, app):
    first, *_ = add_history(session, app, "1", "2", "3", "4")
    [image] = unneeded_images(session, KEEP)
    add_deployment(session, app, release_id=first.release_id)
    assert not let_image_go(session, image, KEEP, NOW)
    assert session.get(Build, image.build_id).image_removed_at is None


def test_one_app_with_many_releases_takes_none_from_another(session, app):
    other = add_app(session, "other")
    add_history(session, app, "1", "2", "3", "4")
    add_history(session, other, "a", "b")
    assert unneeded(session) == ["registry/1"]
    assert [image.app_id for image in unneeded_images(session, KEEP, app_id=other.id)] == []


def test_the_tree_that_a_redeploy_would_build_stays(session, app):
    add_history(session, app, "1", "2", "3", "4")
    add_build(session, app, BuildStatus.FAILED, snapshot_digest="older")
    add_build(session, app, BuildStatus.FAILED, snapshot_digest="last upload")
    add_build(session, app, BuildStatus.FAILED)
    add_build(session, app, BuildStatus.QUEUED, snapshot_digest="queued")
    assert snapshots_to_keep(session, KEEP) == {"tree-2", "tree-3", "tree-4", "queued"}


def test_the_newest_tree_stays_behind_builds_without_one(session, app):
    add_build(session, app, BuildStatus.FAILED, snapshot_digest="last upload")
    add_build(session, app, BuildStatus.FAILED)
    assert snapshots_to_keep(session, KEEP) == {"last upload"}


def test_logs_of_the_newest_and_of_what_is_deployable_stay(session, app, monkeypatch):
    monkeypatch.setattr(retention, "LOGS_KEPT", 1)
    rows = add_history(session, app, "1", "2", "3", "4")
    failed = add_build(session, app, BuildStatus.FAILED)
    last = add_deployment(session, app, DeploymentStatus.FAILED)
    assert build_logs_to_keep(session, KEEP) == {failed.id, *(row.build_id for row in rows[1:])}
    assert deployment_logs_to_keep(session) == {last.id, rows[-1].id}


def test_deliveries_go_when_they_are_old_and_decided(session, app):
    hook = add_hook(session, app)
    old = NOW - timedelta(days=31)
    gone = add_delivery(session, hook, "old", received_at=old, verdict="deployed")
    session.add(Decision(delivery_id=gone.id, app_id=app.id, verdict="deployed", reason="", decided_at=old))
    session.flush()
    undecided = add_delivery(session, hook, "undecided", received_at=old)
    recent = add_delivery(session, hook, "recent", verdict="deployed")
    assert prune_deliveries(session, NOW) == 1
    assert {row.delivery.id for row in list_deliveries(session, app.id, 10, 0)[0]} == {undecided.id, recent.id}
    assert prune_deliveries(session, NOW + timedelta(days=8), kept=timedelta(days=7)) == 1


def test_the_oldest_bodies_of_an_app_go_when_they_are_too_large_together(session, app):
    hook, other = add_hook(session, app), add_hook(session, add_app(session, "other"))
    open_one = add_delivery(session, hook, "0", body=b"x" * 90)
    rows = [add_delivery(session, hook, str(number), body=b"x" * 40, verdict="ignored") for number in range(1, 5)]
    others = add_delivery(session, other, "1", body=b"x" * 90, verdict="ignored")
    assert prune_delivery_bodies(session, most_bytes=100) == 2
    session.expire_all()
    assert [len(row.body) for row in rows] == [0, 0, 40, 40]
    assert (len(open_one.body), len(others.body)) == (90, 90)
    assert prune_delivery_bodies(session, most_bytes=100) == 0


def test_kept_answers_go_after_a_day(session):
    for key, age in (("old", 25), ("recent", 23)):
        created = NOW - timedelta(hours=age)
        session.add(KeptAnswer(principal="p", route="r", key=key, body_digest="d", created_at=created))
    session.flush()
    assert prune_kept_answers(session, NOW) == 1
    assert prune_kept_answers(session, NOW) == 0
    assert session.get(KeptAnswer, ("p", "r", "recent"))


def test_login_links_go_when_they_let_nobody_in(session):
    token, _ = new_token(session, add_organization(session).id, "admin", ["admin"], NOW)
    new_login_link(session, token.id, NOW)
    assert prune_login_links(session, NOW) == 0
    assert prune_login_links(session, NOW + 2 * LOGIN_LINK_LIFETIME) == 1


def test_what_ci_jobs_exchanged_goes_a_day_after_it_expired(session, app):
    organization, expired = app.organization_id, NOW - timedelta(hours=25)
    old, _ = new_token(session, organization, "job", ["apps:deploy"], NOW, expires_at=expired, app_id=app.id)
    young, _ = new_token(session, organization, "job", ["apps:deploy"], NOW, expires_at=NOW, app_id=app.id)
    own, _ = new_token(session, organization, "of a person", ["admin"], NOW, expires_at=expired)
    linked, _ = new_token(session, organization, "linked", ["apps:read"], NOW, expires_at=expired, app_id=app.id)
    new_login_link(session, linked.id, NOW)

    assert prune_job_tokens(session, NOW) == 1

    assert session.get(Token, old.id, populate_existing=True) is None
    assert all(session.get(Token, each.id) for each in (young, own, linked))


def test_history_itself_stays(session, app):
    add_history(session, app, "1", "2", "3", "4")
    for image in unneeded_images(session, keep=1):
        let_image_go(session, image, 1, NOW)
    assert len(session.exec(select(Release)).all()) == 4
