"""A registry in memory that fails when told to."""

from collections import deque
from collections.abc import Sequence

from slipyard.clients.registry import Registry
from slipyard.clients.registry_manifest import Manifest
from slipyard.domain.credentials import Credentials
from slipyard.domain.errors import NotFound, SlipyardError, SourceRefused
from slipyard.domain.image_reference import ImageReference, parse_image_reference
from slipyard.domain.network_rules import Network


class FakeRegistry(Registry):
    """`manifests` by full reference, as `str(parse_image_reference(text))` writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.manifests: dict[str, Manifest] = {}
        self.lists: dict[str, tuple[str, ...]] = {}  # of contents, by full reference
        self.closed: dict[str, Credentials] = {}  # hosts that want this very login
        self._failures: deque[SlipyardError] = deque()

    def add(self, reference: str, manifest: Manifest) -> None:
        self.manifests[_full(reference)] = manifest

    def fail_next(self, error: SlipyardError, times: int = 1) -> None:
        self._failures.extend([error] * times)

    async def manifest(self, reference: str, credentials: Credentials | None = None) -> Manifest:  # noqa: ARG002
        self._fail()
        if _full(reference) not in self.manifests:
            raise NotFound(f"The registry has no {reference}. Check the name and the tag.")
        return self.manifests[_full(reference)]

    async def tag_digest(
        self,
        image: ImageReference,
        allowed_networks: Sequence[Network] = (),  # noqa: ARG002
        login: Credentials | None = None,
    ) -> str:
        self._check(image.domain, login)
        return (await self.manifest(str(image))).digest

    async def try_login(self, host: str, login: Credentials, allowed_networks: Sequence[Network] = ()) -> None:  # noqa: ARG002
        self._check(host, login)

    async def sboms(self, reference: str, credentials: Credentials | None = None) -> tuple[str, ...]:  # noqa: ARG002
        self._fail()
        return self.lists.get(_full(reference), ())

    async def delete(self, reference: str, credentials: Credentials | None = None) -> None:  # noqa: ARG002
        self._fail()
        self.manifests.pop(_full(reference), None)

    async def ping(self, host: str, credentials: Credentials | None = None) -> None:  # noqa: ARG002
        self._fail()

    def _check(self, host: str, login: Credentials | None) -> None:
        if host in self.closed and login != self.closed[host]:
            raise SourceRefused(f"The registry {host} does not take this login. Check the name and the password.")

    def _fail(self) -> None:
        if self._failures:
            raise self._failures.popleft()


def _full(reference: str) -> str:
    return str(parse_image_reference(reference))
