"""Blobs are freed only where no manifest names them, and whoever is killed on the way leaves nothing broken."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from slipyard.clients.registry_storage import RegistryStorage
from slipyard.domain.errors import SystemFault


class Written:
    """A registry's files, as distribution's filesystem driver lays them out."""

    def __init__(self, directory: Path) -> None:
        self.storage = RegistryStorage(directory / "data")
        self.tree = directory / "data/docker/registry/v2"
        (self.tree / "blobs").mkdir(parents=True)
        (self.tree / "repositories").mkdir()

    def blob(self, content: bytes) -> str:
        value = sha256(content).hexdigest()
        place = self.tree / "blobs/sha256" / value[:2] / value
        place.mkdir(parents=True, exist_ok=True)
        (place / "data").write_bytes(content)
        return f"sha256:{value}"

    def manifest(self, repository: str, tag: str | None, *digests: str) -> str:
        digest = self.blob(json.dumps({"layers": [{"digest": each} for each in digests], "for": repository}).encode())
        base = self.tree / "repositories" / repository
        self.link(base / "_manifests/revisions/sha256" / digest[7:] / "link", digest)
        if tag is not None:
            self.link(base / "_manifests/tags" / tag / "current/link", digest)
        for each in digests:
            self.link(base / "_layers/sha256" / each[7:] / "link", each)
        return digest

    def delete(self, repository: str, digest: str) -> None:
        """As the registry's API does: the revision and the tags go, the blobs stay."""
        base = self.tree / "repositories" / repository / "_manifests"
        for link in [base / "revisions/sha256" / digest[7:] / "link", *base.glob("tags/*/current/link")]:
            if link.exists() and link.read_text() == digest:
                link.unlink()

    def has(self, digest: str) -> bool:
        return digest in {blob.digest for blob in self.storage.blobs()}

    @staticmethod
    def link(path: Path, digest: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(digest)


@pytest.fixture
def registry(tmp_path: Path) -> Written:
    return Written(tmp_path)


def unneeded(storage: RegistryStorage) -> set[str]:
    return {blob.digest for blob in storage.blobs()} - storage.needed()


def test_a_manifest_that_cannot_be_read_stops_everything(registry: Written) -> None:
    digest = registry.manifest("shop", "b1-1", registry.blob(b"layer"))
    data = registry.tree / "blobs/sha256" / digest[7:9] / digest[7:] / "data"
    data.unlink()
    data.mkdir()
    with pytest.raises(SystemFault, match="Nothing is freed"):
        registry.storage.needed()


def test_a_link_that_names_no_digest_stops_everything(registry: Written) -> None:
    registry.link(registry.tree / "repositories/shop/_manifests/tags/b1-1/current/link", "sha256:short")
    with pytest.raises(SystemFault, match="names no digest"):
        registry.storage.needed()


def test_what_two_images_share_stays_until_both_are_gone(registry: Written) -> None:
    shared, own = registry.blob(b"shared"), registry.blob(b"own")
    first = registry.manifest("shop", "b1-1", shared, own)
    second = registry.manifest("staging", "b1-1", shared)
    assert unneeded(registry.storage) == set()

    registry.delete("shop", first)
    assert unneeded(registry.storage) == {first, own}
    registry.delete("staging", second)
    assert unneeded(registry.storage) == {first, own, second, shared}


def test_the_images_of_an_index_keep_what_they_name(registry: Written) -> None:
    layer = registry.blob(b"layer")
    child = registry.manifest("shop", None, layer)
    registry.manifest("shop", "b1-1", child)
    assert unneeded(registry.storage) == set()


def test_what_would_go_is_told_before_the_manifest_is_deleted(registry: Written) -> None:
    layer = registry.blob(b"layer")
    digest = registry.manifest("shop", "b1-1", layer)
    assert registry.storage.needed({f"shop@{digest}"}) == set()
    assert registry.storage.tags("shop") == {"b1-1": digest}


def test_what_is_set_aside_is_freed_with_its_bytes_counted(registry: Written) -> None:
    garbage, kept = registry.blob(b"x" * 5000), registry.blob(b"kept")
    registry.manifest("shop", "b1-1", kept)
    assert registry.storage.set_aside([garbage]) == [garbage]
    assert not registry.has(garbage)
    assert registry.storage.free_aside() == (5000, 0)
    assert registry.has(kept)
    assert list(registry.storage.aside.iterdir()) == []


def test_a_push_that_came_to_need_what_was_set_aside_has_it_again(registry: Written) -> None:
    layer = registry.blob(b"layer")
    registry.storage.set_aside([layer])
    registry.manifest("shop", "b1-1", layer)
    assert registry.storage.free_aside() == (0, 1)
    assert registry.has(layer)


def test_what_was_pushed_again_meanwhile_stays_as_it_was_pushed(registry: Written) -> None:
    layer = registry.blob(b"layer")
    registry.storage.set_aside([layer])
    registry.manifest("shop", "b1-1", registry.blob(b"layer"))
    assert registry.storage.free_aside() == (0, 0)
    assert registry.has(layer)
    assert registry.storage.left_aside() == []


def test_what_somebody_who_was_killed_set_aside_is_known_and_freed_later(registry: Written) -> None:
    layer = registry.blob(b"layer")
    registry.storage.set_aside([layer])
    later = RegistryStorage(registry.storage.root)
    assert [blob.digest for blob in later.left_aside()] == [layer]
    assert later.free_aside() == (5, 0)


def test_a_manifest_that_was_set_aside_itself_still_names_its_layers(registry: Written) -> None:
    layer = registry.blob(b"layer")
    digest = registry.manifest("shop", "b1-1", layer)
    registry.storage.set_aside([digest, layer])
    assert registry.storage.free_aside() == (0, 2)
    assert unneeded(registry.storage) == set()


def test_only_a_repository_without_images_and_uploads_that_nobody_touched_lately_is_empty(registry: Written) -> None:
    digest = registry.manifest("shop", "b1-1", registry.blob(b"layer"))
    base = registry.tree / "repositories/shop"
    assert registry.storage.empty_repositories(before=2**40) == []
    registry.delete("shop", digest)
    assert registry.storage.empty_repositories(before=0) == []
    assert registry.storage.empty_repositories(before=2**40) == ["shop"]
    (base / "_uploads/one").mkdir(parents=True)
    assert registry.storage.empty_repositories(before=2**40) == []
    (base / "_uploads/one").rmdir()

    registry.storage.remove_repository("shop")
    assert registry.storage.repositories() == []


def test_a_repository_forgets_layers_that_are_gone(registry: Written) -> None:
    gone, kept = registry.blob(b"gone"), registry.blob(b"kept")
    registry.manifest("deep/er/shop", "b1-1", gone, kept)
    registry.storage.forget_links([gone])
    layers = registry.tree / "repositories/deep/er/shop/_layers/sha256"
    assert [path.name for path in layers.iterdir()] == [kept[7:]]
