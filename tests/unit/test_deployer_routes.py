"""A route is files and one rename: older generations never win, and what is not whole is not believed."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from slipyard.deployer.router import SLOTS, Route, RouteState
from slipyard.deployer.routes import Routes
from slipyard.domain.errors import Conflict, ValidationFailed
from slipyard.domain.ids import new_id

APP = new_id("app")


@pytest.fixture
def routes(tmp_path):
    return Routes(tmp_path / "routes")


def awake(generation, *hosts, app_id=APP):
    return Route(app_id, generation, RouteState.AWAKE, tuple(f"10.201.0.{host}:3000" for host in hosts))


def slots(tmp_path):
    current = tmp_path / "routes" / APP / "current"
    return [(current / str(slot)).read_bytes().decode() for slot in range(SLOTS)]


@pytest.mark.parametrize(
    "address", ["", "10.0.0.1", "10.0.0.1:0", "10.0.0.1:99999", "host:80", "10.0.0.1:80\n", "::1:80", "10.0.0.1:٣"]
)
def test_what_cannot_be_dialled_is_refused(routes, address):
    with pytest.raises(ValidationFailed):
        routes.switch(Route(APP, 1, RouteState.AWAKE, (address,)))
    assert routes.current(APP) is None


@pytest.mark.parametrize("app_id", ["", "..", "../../etc", "app_", "dep_01hzzzzzzzzzzzzzzzzzzzzzzz", f"{APP}/x"])
def test_only_an_apps_id_names_a_directory(routes, app_id):
    with pytest.raises(ValidationFailed):
        routes.switch(awake(1, 2, app_id=app_id))
    with pytest.raises(ValidationFailed):
        routes.forget(app_id)


def test_a_route_that_is_awake_has_addresses_and_another_has_none(routes):
    with pytest.raises(ValidationFailed):
        routes.switch(awake(1))
    with pytest.raises(ValidationFailed):
        routes.switch(Route(APP, 1, RouteState.STOPPED, ("10.0.0.1:80",)))


def test_more_instances_than_slots_are_refused(routes):
    with pytest.raises(ValidationFailed, match="20 replicas"):
        routes.switch(awake(1, *range(2, 23)))


def test_an_older_or_another_route_of_the_same_generation_is_refused_and_changes_nothing(routes):
    routes.switch(awake(5, 2))
    for late in (awake(4, 3), awake(5, 3), Route(APP, 5, RouteState.STOPPED)):
        with pytest.raises(Conflict, match="generation 5"):
            routes.switch(late)
    assert routes.current(APP) == awake(5, 2)


def test_the_same_route_again_is_done_already(routes):
    routes.switch(awake(5, 2))
    routes.switch(awake(5, 2))
    assert routes.current(APP) == awake(5, 2)


@pytest.mark.parametrize("damage", ["", "10.201.0.2:30", "10.201.0.9:3000"])
def test_torn_files_are_not_believed_and_written_anew(routes, tmp_path, damage):
    routes.switch(awake(5, 2, 3))
    (tmp_path / "routes" / APP / "current" / "7").write_text(damage)
    assert routes.current(APP) is None
    routes.switch(awake(5, 2, 3))
    assert routes.current(APP) == awake(5, 2, 3)


def test_what_a_killed_writer_left_behind_is_replaced(routes, tmp_path):
    routes.switch(awake(5, 2))
    half = tmp_path / "routes" / APP / "6"
    half.mkdir()
    (half / "0").write_text("10.201.0.9:1")
    (tmp_path / "routes" / APP / ".next").symlink_to("6")
    routes.switch(awake(6, 3))
    assert routes.current(APP) == awake(6, 3)


def test_slots_are_filled_in_proportion_and_without_newlines(routes, tmp_path):
    routes.switch(awake(1, 2, 3, 4))
    filled = slots(tmp_path)
    assert sorted(filled.count(address) for address in set(filled)) == [6, 7, 7]
    assert all(address == address.strip() for address in filled)


def test_the_generation_before_stays_for_who_still_reads_it(routes, tmp_path):
    for generation in (1, 2, 5, 9):
        routes.switch(awake(generation, generation + 1))
    assert sorted(path.name for path in (tmp_path / "routes" / APP).iterdir()) == ["5", "9", "current"]


def test_a_route_can_be_stopped_and_forgotten(routes):
    routes.switch(awake(1, 2))
    routes.switch(Route(APP, 2, RouteState.STOPPED))
    assert routes.current(APP) == Route(APP, 2, RouteState.STOPPED)
    routes.forget(APP)
    routes.forget(APP)
    assert routes.current(APP) is None


def test_of_many_writers_at_once_the_highest_generation_stays(tmp_path):
    def switch(generation):
        try:
            Routes(tmp_path / "routes").switch(awake(generation, generation))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(switch, [9, 3, 40, 7, 30, 2, 50, 11, 25, 49, 6]))
    assert done[6]
    assert Routes(tmp_path / "routes").current(APP) == awake(50, 50)
