"""The files of the embedded registry: which blobs no manifest needs, set aside and then freed.

A door of our own because the registry's `garbage-collect` knows no upload that is under way: it wants the registry
stopped, or it takes blobs away from a push and leaves images with holes. The layout is the one of distribution's
filesystem driver, `docker/registry/v2`, which 2.x and 3.x share. Its registry must keep no cache of blobs (none is set).

Everything here blocks: call it in a thread.
"""

import re
import shutil
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from slipyard.domain.errors import SystemFault

_DIGEST = re.compile(rb"(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})")
_LARGEST_MANIFEST = 16 * 1024 * 1024


@dataclass(frozen=True)
class Blob:
    """`written_at` is in UNIX seconds."""

    digest: str
    bytes: int
    written_at: float


@dataclass(frozen=True)
class RegistryStorage:
    """`root` is the registry's `rootdirectory`, of which the registry itself uses nothing but `docker`."""

    root: Path

    @property
    def aside(self) -> Path:
        """Ours alone. A rename only works within one file system, and `root` may be mounted."""
        return self.root / "aside"

    @property
    def is_here(self) -> bool:
        return self._tree.is_dir()

    def repositories(self) -> list[str]:
        base = self._tree / "repositories"
        return sorted(str(path.parent.relative_to(base)) for path in base.rglob("_manifests"))

    def tags(self, repository: str) -> dict[str, str]:
        """By tag, the digest that it names."""
        links = (self._repository(repository) / "_manifests" / "tags").glob("*/current/link")
        return {link.parts[-3]: digest for link in links if (digest := _read_link(link)) is not None}

    def needed(self, without: AbstractSet[str] = frozenset()) -> set[str]:
        """Digests that a manifest has, or names anywhere in it; `without` some, as `repository@digest`. `SystemFault` where
        a manifest cannot be read: whoever does not know what it needs may take nothing away."""
        read: set[str] = set()
        named: set[str] = set()
        for repository in self.repositories():
            for digest in self._manifests(repository) - read:
                if f"{repository}@{digest}" not in without:
                    read.add(digest)
                    named |= self._named_in(repository, digest)
        return read | named

    def blobs(self) -> Iterator[Blob]:
        for data in (self._tree / "blobs").glob("*/*/*/data"):
            status = data.stat()
            yield Blob(f"{data.parts[-4]}:{data.parts[-2]}", status.st_size, status.st_mtime)

    def set_aside(self, digests: Iterable[str]) -> list[str]:
        """Out of the registry's sight, by one rename each."""
        self.aside.mkdir(mode=0o700, parents=True, exist_ok=True)
        moved = []
        for digest in digests:
            place = self._blob(digest)
            if place.is_dir():
                place.rename(self.aside / digest.replace(":", "-"))
                moved.append(digest)
        return moved

    def left_aside(self) -> list[Blob]:
        """What was set aside and is still there: whoever did it was stopped."""
        places = self.aside.glob("*/data")
        return [Blob(path.parent.name.replace("-", ":", 1), path.stat().st_size, 0.0) for path in places]

    def free_aside(self) -> tuple[int, int]:
        """How many bytes were freed, and how many blobs put back because a manifest came to need them. Also what somebody
        left here who was killed."""
        needed, freed, back = self.needed(), 0, 0
        for place in self.aside.iterdir() if self.aside.is_dir() else ():
            digest = place.name.replace("-", ":", 1)
            if digest in needed:
                back += self._put_back(place, digest)
            else:
                freed += sum(file.stat().st_size for file in place.iterdir())
                shutil.rmtree(place)
        return freed, back

    def forget_links(self, digests: Iterable[str]) -> None:
        """A repository's own record that it has a layer, once the layer is gone."""
        for repository in self.repositories():
            for digest in digests:
                shutil.rmtree(self._repository(repository) / "_layers" / Path(*digest.split(":")), ignore_errors=True)

    def empty_repositories(self, before: float) -> list[str]:
        """Without a manifest and without an upload, and untouched since `before`, in UNIX seconds."""
        return [name for name in self.repositories() if not self._manifests(name) and self._is_quiet(name, before)]

    def remove_repository(self, name: str) -> None:
        """Its links; blobs are freed as any others."""
        shutil.rmtree(self._repository(name), ignore_errors=True)

    @property
    def _tree(self) -> Path:
        return self.root / "docker" / "registry" / "v2"

    def _repository(self, name: str) -> Path:
        return self._tree / "repositories" / name

    def _blob(self, digest: str) -> Path:
        algorithm, _, value = digest.partition(":")
        return self._tree / "blobs" / algorithm / value[:2] / value

    def _put_back(self, place: Path, digest: str) -> int:
        target = self._blob(digest)
        if target.exists():  # it was pushed again meanwhile
            shutil.rmtree(place)
            return 0
        target.parent.mkdir(parents=True, exist_ok=True)
        place.rename(target)
        return 1

    def _manifests(self, repository: str) -> set[str]:
        """Revisions, and what tags name: a manifest that is deleted has neither."""
        base = self._repository(repository) / "_manifests"
        links = [*base.glob("revisions/*/*/link"), *base.glob("tags/*/current/link")]
        return {digest for link in links if (digest := _read_link(link)) is not None}

    def _named_in(self, repository: str, digest: str) -> set[str]:
        """Any digest in its text counts: better one blob too many than one too few."""
        data = self._blob(digest) / "data"
        for path in (data, self.aside / digest.replace(":", "-") / "data"):
            try:
                if path.stat().st_size <= _LARGEST_MANIFEST:
                    return {found.decode() for found in _DIGEST.findall(path.read_bytes())}
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _unreadable(repository, digest, str(error)) from error
            raise _unreadable(repository, digest, "it has more than 16 MiB")
        return set()  # a link to nothing keeps nothing

    def _is_quiet(self, name: str, before: float) -> bool:
        base = self._repository(name)
        if any((base / "_uploads").glob("*")):
            return False
        return all(path.stat().st_mtime < before for path in (base, *base.glob("_*"), *base.glob("_layers/*/*")))


def _read_link(link: Path) -> str | None:
    try:
        text = link.read_bytes().strip()
    except FileNotFoundError:
        return None
    if not _DIGEST.fullmatch(text):
        raise SystemFault(
            f"{link} in the registry's files names no digest. Nothing is freed there until it is put right."
        )
    return text.decode()


def _unreadable(repository: str, digest: str, why: str) -> SystemFault:
    return SystemFault(
        f"The registry's manifest {digest} of {repository} cannot be read: {why}. Nothing is freed in the registry until it"
        " can be, or is deleted."
    )
