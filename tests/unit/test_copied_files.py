"""What an app's container sends to `slipyard cp` is not trusted: nothing of it lands elsewhere, on every Python from 3.11 on."""

import io
import os
import tarfile

import pytest

from slipyard.cli.copied_files import unpack
from slipyard.cli.failure import Failed


def member(name, kind=tarfile.REGTYPE, link="", content=b"", mode=0o644):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.mode, info.uid, info.gid = kind, link, len(content), mode, 12345, 12345
    return info, content


def packed(*members):
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    yield target.getvalue()


ESCAPES = {
    "up": [member("../x", content=b"bad")],
    "absolute": [member("/tmp/slipyard-escaped", content=b"bad")],
    "link out": [member("d/link", tarfile.SYMTYPE, "../../x")],
    "absolute link": [member("link", tarfile.SYMTYPE, "/etc/passwd")],
    "through a link": [member("d", tarfile.SYMTYPE, ".."), member("d/x", content=b"bad")],
    "hard link out": [member("link", tarfile.LNKTYPE, "../secret")],
    "device": [member("null", tarfile.CHRTYPE)],
    "pipe": [member("pipe", tarfile.FIFOTYPE)],
}


@pytest.mark.parametrize("members", ESCAPES.values(), ids=ESCAPES)
def test_what_leads_out_is_refused_by_name(tmp_path, members):
    (tmp_path / "secret").write_text("ours")
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(Failed, match=members[-1][0].name if members[-1][0].name != "d/x" else "d"):
        unpack(packed(*members), into)
    assert not (tmp_path / "x").exists()
    assert {each.name for each in into.rglob("*")} <= {"d"}, "and nothing of it was made"


def test_files_directories_and_links_inside_arrive_as_ours(tmp_path):
    members = [
        member("site", tarfile.DIRTYPE, mode=0o777),
        member("site/run", content=b"#!/bin/sh\n", mode=0o6777),
        member("site/again", tarfile.SYMTYPE, "run"),
        member("site/hard", tarfile.LNKTYPE, "site/run", mode=0o755),
    ]
    unpack(packed(*members), tmp_path)
    run = tmp_path / "site" / "run"
    assert run.read_bytes() == (tmp_path / "site" / "again").read_bytes() == (tmp_path / "site" / "hard").read_bytes()
    assert run.stat().st_mode & 0o7777 == 0o755, "no special modes"
    assert run.stat().st_uid == os.getuid()


def test_under_another_name(tmp_path):
    members = [member("app", tarfile.DIRTYPE, mode=0o755), member("app/a", content=b"1"), member("app/b", tarfile.LNKTYPE, "app/a")]  # fmt: skip
    unpack(packed(*members), tmp_path / "copy")
    assert (tmp_path / "copy" / "b").read_bytes() == b"1"
