"""A series remembers a day of 15 s and 30 days of 5 min in a file that never grows, whatever happens to its writer."""

import os

from slipyard.domain.traffic import TrafficCount
from slipyard.domain.usage import Consumed, Usage
from slipyard.store.series.files import MOST_INSTANCES, Measured, SeriesFiles
from slipyard.store.series.ring import COARSE, FINE
from slipyard.store.series.series import traffic_series, usage_series

BEGIN = 1_800_000_000  # at the edge of a coarse step
GROWN = Consumed(cpu_seconds=1.5)


def write(path, moments, series=None):
    series = series or usage_series(path)
    for moment in moments:
        series.record(moment, Usage(cpu=moment % 4500 / 15, memory=1e9, instances=1, requests=2), GROWN)
    return series


def moments_of(values):
    return [moment for moment, _ in values]


def test_nothing_is_there_before_something_was_measured(tmp_path):
    series = usage_series(tmp_path / "a.usage")
    assert (series.latest(), series.totals(), series.between(FINE, BEGIN, BEGIN + 900)) == (None, None, [])


def test_a_slot_that_is_torn_is_no_value_and_the_next_round_mends_it(tmp_path):
    path = tmp_path / "a.usage"
    series = write(path, [BEGIN, BEGIN + 15, BEGIN + 30])
    with path.open("r+b") as file:
        file.seek(4096 + (BEGIN + 15) // 15 % FINE.slots * 64 + 20)
        file.write(b"torn")
    assert moments_of(series.between(FINE, BEGIN, BEGIN + 30)) == [BEGIN, BEGIN + 30]
    write(path, [BEGIN + 15 + FINE.seconds])
    assert moments_of(series.between(FINE, BEGIN + 15 + FINE.seconds, BEGIN + 15 + FINE.seconds)) != []


def test_totals_that_are_torn_fall_back_to_the_step_before(tmp_path):
    path = tmp_path / "a.usage"
    write(path, [BEGIN, BEGIN + 15])
    with path.open("r+b") as file:
        file.seek((BEGIN + 15) // 15 % 2 * 2048 + 14)
        file.write(b"torn")
    assert usage_series(path).totals() == (BEGIN, GROWN)


def test_a_file_that_is_cut_off_has_what_is_left_of_it(tmp_path):
    path = tmp_path / "a.usage"
    write(path, [BEGIN])
    os.truncate(path, 100)
    assert usage_series(path).between(FINE, BEGIN, BEGIN) == []
    write(path, [BEGIN + 15])
    assert moments_of(usage_series(path).between(FINE, BEGIN, BEGIN + 15)) == [BEGIN + 15]


def test_the_newest_day_is_kept_and_the_file_never_grows(tmp_path):
    path = tmp_path / "a.usage"
    series = write(path, [BEGIN])
    size = path.stat().st_size
    end = BEGIN + FINE.seconds + 600
    write(path, range(BEGIN + 15, end + 1, 15), series)
    kept = moments_of(series.between(FINE, BEGIN, end))
    assert kept == list(range(end - FINE.seconds + 15, end + 1, 15))
    assert path.stat().st_size == size


def test_what_was_not_written_takes_no_disk(tmp_path):
    path = tmp_path / "a.usage"
    write(path, [BEGIN])
    assert path.stat().st_size > 900_000
    assert path.stat().st_blocks * 512 <= 65536


def test_a_gap_is_a_gap(tmp_path):
    series = write(tmp_path / "a.usage", [BEGIN, BEGIN + 15, BEGIN + 60])
    assert moments_of(series.between(FINE, BEGIN, BEGIN + 90)) == [BEGIN, BEGIN + 15, BEGIN + 60]
    assert series.latest()[0] == BEGIN + 60


def test_five_minutes_are_an_average_of_use_and_a_sum_of_what_is_counted(tmp_path):
    series = write(tmp_path / "a.usage", range(BEGIN, BEGIN + 330, 15))
    (first, value), (second, newest) = series.between(COARSE, BEGIN, BEGIN + 600)
    assert (first, second) == (BEGIN, BEGIN + 300)
    assert (value.cpu, value.memory, value.instances, value.requests) == (9.5, 1e9, 1, 40)
    assert newest.requests == 4  # not over yet


def test_a_writer_that_was_away_sums_up_what_it_left(tmp_path):
    path = tmp_path / "a.usage"
    write(path, [BEGIN, BEGIN + 15])
    write(path, [BEGIN + FINE.seconds - 15])  # another process, much later
    values = usage_series(path).between(COARSE, BEGIN, BEGIN + FINE.seconds)
    assert [(moment, value.requests) for moment, value in values] == [(BEGIN, 4), (BEGIN + FINE.seconds - 300, 2)]


def test_thirty_days_are_kept(tmp_path):
    series = write(tmp_path / "a.usage", range(BEGIN, BEGIN + COARSE.seconds + 600, 300))
    kept = moments_of(series.between(COARSE, BEGIN, BEGIN + COARSE.seconds + 300))
    assert (len(kept), kept[0], kept[-1]) == (COARSE.slots, BEGIN + 600, BEGIN + COARSE.seconds + 300)


def test_totals_go_on_over_another_writer(tmp_path):
    path = tmp_path / "a.usage"
    write(path, [BEGIN, BEGIN + 15])
    write(path, [BEGIN + 30])
    assert usage_series(path).totals() == (BEGIN + 30, Consumed(cpu_seconds=4.5))


def test_answers_are_added_so_that_quantiles_stay_true(tmp_path):
    series = traffic_series(tmp_path / "a.traffic")
    for moment, seconds in ((BEGIN, 0.010), (BEGIN + 15, 1.0)):
        count = TrafficCount()
        for status in (200, 200, 503):
            count.add(status, seconds)
        series.record(moment, count.value(), count.value())
    ((_, both),) = series.between(COARSE, BEGIN, BEGIN)
    assert (both.requests, both.errors) == (6, 2)
    assert 0.008 < both.quantile(0.4) < 0.013
    assert 0.8 < both.quantile(0.9) < 1.3
    assert series.totals()[1].requests == 6


def test_names_of_services_are_names_of_files_whatever_they_are(tmp_path):
    files = SeriesFiles(tmp_path)
    odd = Measured("service", "../we-b/ä")
    write(files.usage("app_1", odd), [BEGIN])
    assert files.of_app("app_1") == [odd]
    assert [path.parent.name for path in tmp_path.rglob("*.usage")] == ["app_1"]


def test_an_app_keeps_the_instances_that_were_there_last_and_one_that_is_gone_keeps_nothing(tmp_path):
    files = SeriesFiles(tmp_path)
    for number in range(MOST_INSTANCES + 2):
        path = files.usage("app_1", Measured("instance", f"ins_{number}"))
        write(path, [BEGIN])
        os.utime(path, (2_000_000_000 + number, 2_000_000_000 + number))
    write(files.usage("app_1", Measured("service", "old")), [BEGIN])
    os.utime(files.usage("app_1", Measured("service", "old")), (1, 1))
    write(files.usage("app_2", Measured("service", "web")), [BEGIN])
    files.prune({"app_1"})
    left = {measured.name for measured in files.of_app("app_1")}
    assert left == {f"ins_{number}" for number in range(2, MOST_INSTANCES + 2)}
    assert files.of_app("app_2") == []
