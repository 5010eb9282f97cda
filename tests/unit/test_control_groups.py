"""What containers use, read from the kernel's own files as versions 1 and 2 of control groups write them."""

import pytest

from slipyard.clients.control_groups import ControlGroups
from slipyard.domain.usage import Reading

ID = "a" * 64
NET_DEV = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    9999      99    0    0    0     0          0         0     9999      99    0    0    0     0       0          0
  eth0:    1300      17    0    0    0     0          0         0      182       3    0    0    0     0       0          0
  eth1:     700       7    0    0    0     0          0         0       18       1    0    0    0     0       0          0
"""
EXPECTED = Reading(2.5, 700_000, 3, received=2000, sent=200, read=30, written=44)


def lay(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def version_1(root, path):
    lay(
        root,
        {
            f"cpuacct/{path}/cpuacct.usage": "2500000000\n",
            f"memory/{path}/memory.usage_in_bytes": "1000000\n",
            f"memory/{path}/memory.stat": "cache 5\ninactive_file 100\ntotal_inactive_file 300000\n",
            f"memory/{path}/cgroup.procs": "77\n78\n",
            f"pids/{path}/pids.current": "3\n",
            f"blkio/{path}/blkio.throttle.io_service_bytes_recursive": (
                "8:0 Read 10\n8:0 Write 40\n8:0 Total 50\n8:16 Read 20\n8:16 Write 4\nTotal 74\n"
            ),
        },
    )


def version_2(root, path):
    lay(
        root,
        {
            "cgroup.controllers": "cpu memory\n",
            f"{path}/cpu.stat": "usage_usec 2500000\nuser_usec 1\nsystem_usec 2\n",
            f"{path}/memory.current": "1000000\n",
            f"{path}/memory.stat": "anon 5\ninactive_file 300000\nactive_file 3\n",
            f"{path}/cgroup.procs": "77\n",
            f"{path}/pids.current": "3\n",
            f"{path}/io.stat": "8:0 rbytes=10 wbytes=40 rios=1 wios=2\n8:16 rbytes=20 wbytes=4 rios=1 wios=2\n",
        },
    )


@pytest.fixture
def groups(tmp_path):
    lay(tmp_path / "proc", {"77/net/dev": NET_DEV})
    return ControlGroups(tmp_path / "sys", tmp_path / "proc")


@pytest.mark.parametrize("write", [version_1, version_2])
def test_a_container_that_is_gone_is_nothing(groups, write):
    write(groups.root, "docker/" + "b" * 64)
    assert groups.read(ID) is None


@pytest.mark.parametrize("write", [version_1, version_2])
@pytest.mark.parametrize("path", [f"docker/{ID}", f"system.slice/docker-{ID}.scope"])
def test_both_drivers_in_both_versions(groups, write, path):
    write(groups.root, path)
    assert groups.read(ID) == EXPECTED


def test_a_network_that_cannot_be_read_is_unknown_and_the_rest_is_there(groups):
    version_2(groups.root, f"docker/{ID}")
    (groups.proc / "77" / "net" / "dev").unlink()
    assert groups.read(ID) == Reading(2.5, 700_000, 3, received=None, sent=None, read=30, written=44)


def test_an_unusual_place_is_learnt_from_one_process_and_good_for_all(groups):
    other = "c" * 64
    for each in (ID, other):
        version_1(groups.root, f"kube{{pods}}/{each}/x")
    assert groups.read(ID) is None
    lay(groups.proc, {"77/cgroup": f"4:memory:/kube{{pods}}/{ID}/x\n0::/\n"})
    assert groups.learn(ID, 77)
    assert groups.read(ID) == groups.read(other) == EXPECTED


@pytest.mark.parametrize("content", ["", "0::/\n", f"0::/../../docker/{ID}\n", f"0::/elsewhere/{ID}\n"])
def test_what_cannot_be_learnt_is_said(groups, content):
    lay(groups.proc, {"77/cgroup": content})
    assert not groups.learn(ID, 77)
