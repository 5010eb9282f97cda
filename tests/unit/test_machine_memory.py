import pytest

from slipyard.clients.machine_memory import available_share


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("MemTotal:  1000 kB\nMemFree: 10 kB\nMemAvailable:   250 kB\n", 0.25),
        ("MemTotal:  1000 kB\nMemFree: 10 kB\n", 0.0),
        ("", 1.0),
    ],
)
def test_the_share_that_the_kernel_says(tmp_path, text, share):
    (tmp_path / "meminfo").write_text(text)
    assert available_share(tmp_path / "meminfo") == share


def test_a_machine_that_says_nothing_counts_as_roomy(tmp_path):
    assert available_share(tmp_path / "none") == 1.0
