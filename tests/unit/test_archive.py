"""Only a clean tree passes: what could reach outside, overwrite, or fill the machine is refused while it arrives."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from slipyard.builder.archive_limits import ArchiveLimits
from slipyard.builder.snapshot import Snapshot, snapshot_from
from slipyard.builder.snapshot_reader import SnapshotReader
from slipyard.domain.errors import SourceRefused, TooLarge, Unavailable
from tests.unit.tars import add, chunks, one, tar_of

SMALL = ArchiveLimits(packed_bytes=100_000, unpacked_bytes=200_000, entries=20, depth=4, path_bytes=60, name_bytes=20)


async def take(data: bytes, store: Path, limits: ArchiveLimits | None = None) -> Snapshot:
    return await snapshot_from(chunks(data), store, limits)


def kept_in(store: Path) -> list[str]:
    return [path.name for path in store.iterdir()]


def label(value: object) -> str:
    return value if isinstance(value, str) else "archive"


async def refusal(data: bytes, store: Path, limits: ArchiveLimits | None = None) -> str:
    with pytest.raises((SourceRefused, TooLarge)) as caught:
        await take(data, store, limits)
    assert kept_in(store) == []
    return caught.value.message


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (one("/etc/passwd", b"x"), "absolute path"),
        (one("../x", b"x"), "leads out"),
        (one("a/../../x", b"x"), "leads out"),
        (one("a/..", b"x"), "leads out"),
        (one("link", "/etc/passwd"), "absolute path"),
        (one("link", ".."), "leads out"),
        (one("a/link", "../../x"), "leads out"),
        (one("a/link", "b/../../../x"), "leads out"),
        (one("link", ""), "absolute path"),
        (one("dev", type=tarfile.CHRTYPE), "a device"),
        (one("dev", type=tarfile.BLKTYPE), "a device"),
        (one("pipe", type=tarfile.FIFOTYPE), "a named pipe"),
        (one("sparse", type=tarfile.GNUTYPE_SPARSE), "a sparse file"),
        (one("odd", type=b"Z"), "unknown kind"),
        (one("hard", type=tarfile.LNKTYPE, linkname="/etc/passwd"), "hard link"),
        (one("hard", type=tarfile.LNKTYPE, linkname="../x"), "hard link"),
        (one("hard", type=tarfile.LNKTYPE, linkname="hard"), "hard link"),
        (one("bell\x07", b"x"), "control characters"),
        (one("line\nbreak", b"x"), "control characters"),
        (one(b"\xff\xfe".decode(errors="surrogateescape"), b"x"), "not UTF-8"),
        (b"", "empty"),
        (b"hello", "breaks off"),
        (b"x" * 600, "not a tar"),
        (b"PK\x03\x04" + bytes(600), "zip"),
        (b"BZh9" + bytes(600), "bzip2"),
        (b"\xfd7zXZ\0" + bytes(600), "xz"),
        (gzip.compress(b"x" * 600), "not a tar"),
        (gzip.compress(b""), "breaks off"),
    ],
    ids=label,
)
async def test_what_is_no_clean_tree_is_refused_and_nothing_is_left(data: bytes, why: str, tmp_path: Path) -> None:
    assert why in await refusal(data, tmp_path)


@pytest.mark.parametrize(
    "members",
    [
        [("a", b"1"), ("a", b"2")],
        [("a", b"1"), ("a/", b"")],
        [("a", b"1"), ("a/b", b"2")],
        [("a/b", b"1"), ("a", b"2")],
        [("a", "b"), ("a/c", b"1")],
        [("a/", b""), ("a", "b")],
        [("a", b"1"), ("./a", b"2")],
        [("a/b", b"1"), ("a//b", b"2")],
    ],
)
async def test_a_path_with_two_meanings_is_refused(members: list, tmp_path: Path) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, content in members:
            add(archive, path, content)
    assert await refusal(made.getvalue(), tmp_path)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (tar_of({f"f{number}": b"" for number in range(21)}), "more than 20 entries"),
        (tar_of({"a/b/c/d/e": b""}), "directories deep"),
        (tar_of({"a" * 21: b""}), "too long"),
        (tar_of({"abcdefghijklmnop/" * 3 + "abcdefghijklmnop": b""}), "too long"),
        (tar_of({"big": bytes(200_001)}), "than 100000 bytes"),
        (gzip.compress(tar_of({"big": bytes(200_001)})), "unpacks to more"),
        (zstandard.compress(tar_of({"big": bytes(200_001)})), "unpacks to more"),
    ],
    ids=label,
)
async def test_every_cap_holds_while_bytes_pass(data: bytes, why: str, tmp_path: Path) -> None:
    assert why in await refusal(data, tmp_path, SMALL)


async def test_a_bomb_is_stopped_by_its_expansion(tmp_path: Path) -> None:
    bomb = gzip.compress(tar_of({"zeros": bytes(80 * 1024 * 1024)}))
    assert "expands more than" in await refusal(bomb, tmp_path)


async def test_hard_links_to_a_large_file_do_not_multiply_it_without_a_cap(tmp_path: Path) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as archive:
        add(archive, "big", bytes(60_000))
        for number in range(5):
            add(archive, f"copy{number}", type=tarfile.LNKTYPE, linkname="big")
    assert "unpacks to more" in await refusal(made.getvalue(), tmp_path, SMALL)


async def test_an_extended_header_of_any_size_is_not_read_into_memory(tmp_path: Path) -> None:
    header = tarfile.TarInfo("long")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 2**40
    assert "extended header" in await refusal(header.tobuf(tarfile.GNU_FORMAT) + bytes(10_000), tmp_path)


@pytest.mark.parametrize("packer", [bytes, gzip.compress, zstandard.compress])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.5, 0.9])
async def test_a_stream_that_breaks_off_is_refused(packer, kept: float, tmp_path: Path) -> None:
    whole = packer(tar_of({f"file{number}": bytes(range(256)) * 20 for number in range(10)}))
    assert await refusal(whole[: int(len(whole) * kept)], tmp_path)


async def test_an_archive_without_its_end_mark_is_refused(tmp_path: Path) -> None:
    assert "breaks off" in await refusal(tar_of({"a": b"x"})[:1024], tmp_path)


async def test_the_error_of_a_broken_sender_is_the_one_that_is_told(tmp_path: Path) -> None:
    async def broken():
        yield tar_of({"a": b"x"})[:700]
        raise Unavailable("the connection broke")

    with pytest.raises(Unavailable, match="the connection broke"):
        await snapshot_from(broken(), tmp_path)
    assert kept_in(tmp_path) == []


async def test_a_sender_with_more_to_say_is_cut_off_at_the_first_fault(tmp_path: Path) -> None:
    sent = 0

    async def endless():
        nonlocal sent
        yield one("/absolute", b"x")
        while True:
            sent += 1
            yield bytes(1024 * 1024)

    with pytest.raises(SourceRefused, match="absolute"):
        await snapshot_from(endless(), tmp_path)
    assert sent < 20


async def test_the_form_of_the_archive_does_not_change_the_digest(tmp_path: Path) -> None:
    files = {
        "z": b"1",
        "a/b": b"2",
        "link": "a/b",
        "Ünï/日本.txt": b"3",
        "n" * 120 + "/" + "m" * 130: b"4",
        "l": "t" * 180,
    }
    usual = tar_of(files)
    forms = [
        tar_of(files, tarfile.PAX_FORMAT),
        tar_of(dict(reversed(files.items()))),
        tar_of({"./": b"", "./a/": b"", **{f"./{path}": content for path, content in files.items()}}),
        gzip.compress(usual),
        gzip.compress(usual[:1000]) + gzip.compress(usual[1000:]),
        zstandard.compress(usual),
        usual + bytes(20 * 512),
    ]
    first = await take(usual, tmp_path)
    for form in forms:
        assert await take(form, tmp_path) == first
    assert kept_in(tmp_path) == [f"{first.digest.removeprefix('sha256:')}.tar"]


async def test_times_and_owners_do_not_count_but_modes_links_and_bytes_do(tmp_path: Path) -> None:
    base = (await take(one("a", b"x"), tmp_path)).digest
    assert (await take(one("a", b"x", mtime=9, uid=7, uname="me", mode=0o4600), tmp_path)).digest == base
    others = [one("a", b"y"), one("b", b"x"), one("a", b"x", mode=0o755), one("a", "x"), one("a", b""), one("a/")]
    digests = {(await take(data, tmp_path)).digest for data in others}
    assert len(digests | {base}) == 7


async def test_what_is_written_is_a_plain_gnu_tar_without_owners_and_times(tmp_path: Path) -> None:
    made = await take(tar_of({"d/x": b"1", "s": "d/x"}, tarfile.PAX_FORMAT), tmp_path)
    assert made.path.read_bytes()[257:265] == b"ustar  \0"
    with tarfile.open(made.path, "r:") as archive:
        found = {member.name: (member.type, member.mode, member.uid, member.mtime) for member in archive}
    assert found == {
        "d": (tarfile.DIRTYPE, 0o755, 0, 0),
        "d/x": (tarfile.REGTYPE, 0o644, 0, 0),
        "s": (tarfile.SYMTYPE, 0o777, 0, 0),
    }


async def test_a_hard_link_to_an_earlier_file_is_a_copy(tmp_path: Path) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as archive:
        add(archive, "d/a", b"content" * 1000, mode=0o755)
        add(archive, "b", type=tarfile.LNKTYPE, linkname="./d/a")
    reader = SnapshotReader((await take(made.getvalue(), tmp_path)).path)
    assert reader.read("b", 10_000) == b"content" * 1000
    assert reader.places["b"].mode == 0o755


async def test_a_snapshot_that_a_crash_left_short_is_written_anew(tmp_path: Path) -> None:
    first = await take(one("a", b"x"), tmp_path)
    first.path.write_bytes(first.path.read_bytes()[:512])
    again = await take(one("a", b"x"), tmp_path)
    assert SnapshotReader(again.path).read("a", 10) == b"x"


async def test_a_common_top_directory_stays(tmp_path: Path) -> None:
    made = await take(tar_of({"app-1.0/main.py": b"x"}), tmp_path)
    assert SnapshotReader(made.path).names() == ["app-1.0", "app-1.0/main.py"]


async def test_pointers_of_git_lfs_are_seen_in_passing(tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 12\n"
    assert (await take(tar_of({"big.bin": pointer, "a": b"x"}), tmp_path)).lfs_pointers == ("big.bin",)


names = st.text(
    alphabet=st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=40
).filter(lambda name: name not in {".", ".."} and len(name.encode()) <= 255)
paths = st.lists(names, min_size=1, max_size=5).map("/".join)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(paths, st.tuples(st.binary(max_size=2000), st.booleans()), max_size=12),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    st.sampled_from([bytes, gzip.compress, zstandard.compress]),
    st.integers(min_value=1, max_value=3000),
)
async def test_whatever_tree_is_packed_comes_back_the_same(tmp_path_factory, files, form, packer, size) -> None:
    store = tmp_path_factory.mktemp("store")
    kept = {
        path: content for path, content in files.items() if not any(other.startswith(f"{path}/") for other in files)
    }
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form) as archive:
        for path, (content, executable) in kept.items():
            add(archive, path, content, mode=0o755 if executable else 0o644, type=tarfile.REGTYPE, size=len(content))
    reader = SnapshotReader((await snapshot_from(chunks(packer(made.getvalue()), size), store)).path)
    assert {name for name in reader.names() if reader.is_file(name)} == set(kept)
    for path, (content, executable) in kept.items():
        assert reader.read(path, 2000) == content
        assert reader.places[path].mode == (0o755 if executable else 0o644)
    with tarfile.open(reader.path, "r:") as archive:
        assert {member.name for member in archive if member.isreg()} == set(kept)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.integers(min_value=0, max_value=1500), st.booleans())
async def test_damage_never_escapes_as_another_error(tmp_path_factory, noise, place, packed) -> None:
    store = tmp_path_factory.mktemp("store")
    whole = tar_of({"a/b": b"content", "x" * 150: b"y", "link": "a/b"}, tarfile.PAX_FORMAT)
    whole = gzip.compress(whole, mtime=0) if packed else whole
    damaged = whole[:place] + noise + whole[place + len(noise) :]
    try:
        await take(damaged, store)
    except (SourceRefused, TooLarge):
        assert kept_in(store) == []
