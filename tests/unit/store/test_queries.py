from datetime import timedelta

import pytest
from sqlalchemy import event

from slipyard.domain.app_status import AppFacts, AppStatus
from slipyard.domain.errors import NotFound, ValidationFailed
from slipyard.domain.ids import new_id
from slipyard.domain.lifecycle import BuildStatus, DeploymentStatus, InstanceStatus
from slipyard.store.queries import apps, builds, deliveries, deployments, hooks, instances, releases
from slipyard.store.queries.app_facts import app_facts
from slipyard.store.queries.app_list import AppFilter, list_apps
from tests.unit.store.rows import (
    NOW,
    add_app,
    add_build,
    add_built,
    add_delivery,
    add_deployment,
    add_hook,
    add_instance,
    add_organization,
    add_release,
    add_served,
)

HOUR = timedelta(hours=1)


@pytest.fixture
def session(database):
    with database.write() as session:
        yield session


@pytest.fixture
def organization(session):
    return add_organization(session)


@pytest.fixture
def app(session, organization):
    return add_app(session, "shop", organization)


def slugs(found):
    return [app.slug for app in found[0]]


def test_an_app_of_another_organization_is_not_there(session, app):
    other = add_organization(session, "other")
    for name in (app.id, app.slug):
        with pytest.raises(NotFound, match="GET /v1/apps"):
            apps.find_app(session, other.id, name)


def test_a_removed_app_is_not_there_and_its_slug_and_host_are_free(session, organization, app):
    app.deleted_at = NOW
    session.flush()
    for name in (app.id, app.slug):
        with pytest.raises(NotFound):
            apps.find_app(session, organization.id, name)
    assert not apps.is_slug_taken(session, organization.id, app.slug)
    assert not apps.is_host_taken(session, app.host)
    again = add_app(session, "shop", organization)
    assert apps.find_app(session, organization.id, "shop") is again


def test_an_app_is_found_by_id_and_by_slug(session, organization, app):
    assert apps.find_app(session, organization.id, app.id) is app
    assert apps.find_app(session, organization.id, "shop") is app
    assert apps.is_slug_taken(session, organization.id, "shop")
    assert apps.is_host_taken(session, "shop.localhost")


@pytest.mark.parametrize("sort", ["config:asc", "id", "name:up", "", "name;drop"])
def test_a_sort_that_is_not_offered_is_refused(session, sort):
    with pytest.raises(ValidationFailed, match="created_at"):
        list_apps(session, AppFilter(None, sort=sort))


def test_pages_of_apps(session, organization):
    for number in range(5):
        add_app(session, f"app-{number}", organization, created_at=NOW + number * HOUR)
    add_app(session, "foreign")
    page, total = list_apps(session, AppFilter(organization.id, limit=2, offset=2))
    assert ([app.slug for app in page], total) == (["app-2", "app-1"], 5)
    assert list_apps(session, AppFilter(organization.id, limit=2, offset=9)) == ([], 5)
    assert list_apps(session, AppFilter(None))[1] == 6


def test_sorting_by_what_some_have_not_puts_those_last(session, organization):
    add_app(session, "never", organization)
    add_app(session, "early", organization, last_deployed_at=NOW)
    add_app(session, "late", organization, last_deployed_at=NOW + HOUR)
    found = list_apps(session, AppFilter(organization.id, sort="last_deployed_at:desc"))
    assert slugs(found) == ["late", "early", "never"]
    assert slugs(list_apps(session, AppFilter(organization.id, sort="name:asc"))) == ["early", "late", "never"]


def test_filters(session, organization):
    add_app(session, "red", organization, labels={"team": "a", "tier": "1"}, description="100% Cotton")
    add_app(session, "blue", organization, labels={"team": "b"}, environment="staging")
    add_app(session, "gone", organization, deleting_at=NOW, deleted_at=NOW)

    def found(**wanted):
        return slugs(list_apps(session, AppFilter(organization.id, sort="slug:asc", **wanted)))

    assert found(labels={"team": "a", "tier": "1"}) == ["red"]
    assert found(labels={"team": "a", "tier": "2"}) == []
    assert found(labels={"tea": "ma"}) == []
    assert found(environment="staging") == ["blue"]
    assert found(search="cotton") == ["red"]
    assert found(search="0%") == ["red"]
    assert found(search="_") == []
    assert found(search="BLU") == ["blue"]
    assert found(include_deleted=True) == ["blue", "gone", "red"]
    assert found(include_deleted=True, statuses=frozenset({AppStatus.REMOVED})) == ["gone"]
    assert found(statuses=frozenset({AppStatus.CREATING}), limit=1, offset=1) == ["red"]


def test_the_facts_of_an_app_count_its_routed_instances(session, app):
    release = add_release(session, app, replicas=3)
    active = add_deployment(session, app, DeploymentStatus.ACTIVE, release_id=release.id)
    add_deployment(session, app, DeploymentStatus.FAILED, error="It crashed.")
    for status in (InstanceStatus.SERVING, InstanceStatus.STARTED, InstanceStatus.RETIRING, InstanceStatus.RETIRED):
        add_instance(session, active, status)
    add_instance(session, active, InstanceStatus.SERVING, service="worker", port=None)
    assert app_facts(session, [app.id])[app.id] == AppFacts(
        deleting=False,
        removed=False,
        stopped=False,
        latest=DeploymentStatus.FAILED,
        active=True,
        wanted=3,
        serving=1,
        occupied=4,
        last_error="It crashed.",
    )


def test_the_facts_of_many_apps_take_as_many_queries_as_of_one(session, organization, database):
    ids = [add_app(session, f"app-{number}", organization).id for number in range(30)]
    statements = []
    event.listen(database.writer, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    facts = app_facts(session, [*ids, "app_none"])
    assert set(facts) == set(ids)
    assert len(statements) == 4
    assert facts[ids[0]].latest is None
    assert not facts[ids[0]].active


def test_rows_of_another_app_are_not_found(session, organization, app):
    other = add_app(session, "other", organization)
    build, release = add_build(session, other), add_release(session, other)
    deployment = add_deployment(session, other)
    finders = {
        builds.find_build: build,
        releases.find_release: release,
        deployments.find_deployment: deployment,
    }
    for find, row in finders.items():
        assert find(session, other.id, row.id) is row
        with pytest.raises(NotFound, match="This app has no"):
            find(session, app.id, row.id)


def test_histories_are_newest_first(session, app):
    for _ in range(3):
        add_build(session, app)
        add_release(session, app)
        add_deployment(session, app)
    for listing in (builds.list_builds, releases.list_releases, deployments.list_deployments):
        rows, total = listing(session, app.id, 2, 1)
        assert ([row.number for row in rows], total) == ([2, 1], 3)
    assert builds.latest_build(session, app.id).number == 3


def test_an_image_is_used_again_only_by_its_own_app_and_while_it_is_there(session, organization, app):
    other = add_app(session, "other", organization)
    add_build(session, app, BuildStatus.FAILED, plan_key="plan", image_id="sha256:x")
    add_built(session, app, "gone", plan_key="plan", image_removed_at=NOW)
    assert builds.build_of_plan(session, app.id, "plan") is None
    made = add_built(session, app, "made", plan_key="plan")
    assert builds.build_of_plan(session, app.id, "plan") is made
    assert builds.build_of_plan(session, app.id, "another plan") is None
    assert builds.build_of_plan(session, other.id, "plan") is None


def test_going_back_leads_to_the_release_before_and_then_further_back(session, app):
    superseded, active = DeploymentStatus.SUPERSEDED, DeploymentStatus.ACTIVE
    first = add_served(session, app, "one", superseded)
    second = add_served(session, app, "two", superseded)
    add_served(session, app, "bad", DeploymentStatus.ROLLED_BACK)
    add_served(session, app, "never", DeploymentStatus.FAILED)
    third = add_served(session, app, "three", superseded)
    restart = add_deployment(session, app, active, release_id=third.release_id)
    assert deployments.deployment_before(session, app.id, restart.number) == second
    restart.status = superseded
    back = add_deployment(session, app, active, release_id=second.release_id)
    assert deployments.deployment_before(session, app.id, back.number) == first
    assert deployments.deployment_before(session, app.id, first.number) is None
    assert deployments.active_deployment(session, app.id) is back
    assert deployments.active_deployments(session, [app.id, "app_none"]) == {app.id: back}


def test_deployments_without_an_outcome(session, app):
    for status in DeploymentStatus:
        if status is not DeploymentStatus.VERIFYING:
            add_deployment(session, app, status)
    found = deployments.unfinished_deployments(session, app.id)
    assert [row.status for row in found] == ["pending", "building", "deploying"]


def test_an_address_is_in_use_until_its_container_is_gone(session, app):
    deployment = add_deployment(session, app, release_id=add_release(session, app).id)
    statuses = list(InstanceStatus)
    there = statuses[: statuses.index(InstanceStatus.RETIRED)]
    for number, status in enumerate(statuses):
        add_instance(session, deployment, status, address=f"10.201.0.{number}", container_id=f"c{number}")
    assert instances.addresses_in_use(session, app.id) == {f"10.201.0.{number}" for number in range(len(there))}
    assert len(instances.instances_of(session, app.id)) == len(there)
    assert [row.status for row in instances.instances_of(session, app.id, {InstanceStatus.RETIRED})] == ["retired"]


@pytest.mark.parametrize("of_the_app", [False, True])
def test_a_hook_that_was_removed_takes_nothing(session, app, of_the_app):
    hook = add_hook(session, app)
    assert hooks.find_hook(session, hook.id, "github") is hook
    assert hooks.hooks_of(session, app.id) == [hook]
    if of_the_app:
        app.deleting_at = NOW
    else:
        hook.deleted_at = NOW
    session.flush()
    with pytest.raises(NotFound):
        hooks.find_hook(session, hook.id, "github")


def test_a_hook_answers_only_at_its_own_providers_address(session, app):
    hook = add_hook(session, app)
    with pytest.raises(NotFound):
        hooks.find_hook(session, hook.id, "gitlab")
    with pytest.raises(NotFound):
        hooks.find_hook(session, new_id("hok"), "github")


def test_deliveries(session, app):
    hook = add_hook(session, app)
    first = add_delivery(session, hook, "1", verdict="ignored")
    second = add_delivery(session, hook, "2")
    assert {row.delivery.id for row in deliveries.list_deliveries(session, app.id, 10, 0)[0]} == {first.id, second.id}
    assert deliveries.find_delivery(session, app.id, first.id).delivery is first
    with pytest.raises(NotFound, match="This app has no"):
        deliveries.find_delivery(session, add_app(session, "other").id, first.id)
    assert hooks.undecided_deliveries(session) == [second]
