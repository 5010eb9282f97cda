"""`x-slipyard` in a compose file: what compose has no word for, in the words of `slipyard.yaml`."""

from slipyard.domain.manifest import Manifest
from slipyard.domain.manifests.compose.place import Place
from slipyard.domain.manifests.sections import ManifestSection, ServiceSection
from slipyard.domain.manifests.slipyard_yaml import manifest_of, service_of, validated
from slipyard.domain.service import ServiceConfig

KEY = "x-slipyard"
_NOT_HERE = ("compose", "build", "services", "volumes", "name", "image")


def app_extension(top: Place) -> Manifest:
    place = top.get(KEY)
    if place is None:
        return Manifest()
    _check(place)
    return manifest_of(validated(ManifestSection, place.document, place.value, place.path), "")


def service_extension(place: Place) -> ServiceConfig:
    child = place.get(KEY)
    if child is None:
        return ServiceConfig()
    _check(child)
    return service_of("", validated(ServiceSection, child.document, child.value, child.path))


def _check(place: Place) -> None:
    for key, child in place.mapping():
        if key in _NOT_HERE:
            raise child.refusal("is said by the compose file itself.")
