"""A pid that belongs to somebody else today is never taken for ours, and never signalled."""

import dataclasses
import os
import signal

from slipyard.cli.up.identity import Identity


def test_a_process_is_itself():
    me = Identity.of(os.getpid())
    assert me is not None
    assert me.is_running()


def test_the_same_number_with_another_start_is_another_process():
    me = Identity.of(os.getpid())
    stranger = dataclasses.replace(me, started="1")
    assert not stranger.is_running()
    assert stranger.open() is None
    assert stranger.send(signal.SIGKILL) is False


def test_the_same_number_and_start_before_a_reboot_is_another_process():
    me = Identity.of(os.getpid())
    assert not dataclasses.replace(me, boot="another boot").is_running()


def test_a_record_is_read_back_with_what_it_was_made_from(tmp_path):
    me = Identity.of(os.getpid(), made_from="abc")
    me.write(tmp_path / "me.pid")
    read = Identity.read(tmp_path / "me.pid")
    assert read == me
    assert read.made_from == "abc"


def test_a_broken_or_missing_record_is_no_process(tmp_path):
    (tmp_path / "broken.pid").write_text("{12")
    (tmp_path / "older.pid").write_text("4711")
    for name in ("broken.pid", "older.pid", "missing.pid"):
        assert Identity.read(tmp_path / name) is None
