"""A compose file becomes a manifest: all services of one app, one release for all of them."""

import posixpath
import re
from collections.abc import Callable

from slipyard.domain.errors import SourceRefused
from slipyard.domain.manifest import MOST_SERVICES, ImagePlan, Manifest, VolumePlan
from slipyard.domain.manifests.compose.build import image_plan
from slipyard.domain.manifests.compose.extension import app_extension, service_extension
from slipyard.domain.manifests.compose.filled import Variables, filled
from slipyard.domain.manifests.compose.place import Place
from slipyard.domain.manifests.compose.service import check_keys, image, service, takes_requests
from slipyard.domain.manifests.compose.surroundings import Surroundings
from slipyard.domain.manifests.yaml_document import read_yaml
from slipyard.domain.release import WEB
from slipyard.domain.service import Condition, ServiceConfig

_TOP = frozenset({"services", "volumes", "secrets", "networks", "version", "name", "configs", "include", "models"})
_SERVICE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_VOLUME_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_REFUSED_TOP = {
    "configs": "are not read. Put the files into an image, or make them secrets with `slipyard secrets set --path`",
    "include": "is not followed. Write what it holds into this file",
    "models": "are not offered",
}


def read_compose(
    file: str, text: str, variables: Variables | None = None, read_file: Callable[[str], str | None] = lambda _: None
) -> Manifest:
    """`file` is its path in the app's directory; `read_file` gives other files by such paths.

    `SourceRefused` with the line for what it may not say, or what nothing can be made of.
    """
    document, warnings = read_yaml(file, text), list[str]()
    known = variables or Variables()
    if not isinstance(document.value, dict):
        raise document.refusal((), "this is no compose file. It begins with `services:`.")
    top = Place(document, (), filled(document, known, warnings), warnings)
    _check_top(top)
    services = _enabled(top)
    around = Surroundings(
        known, read_file, posixpath.dirname(file), frozenset(services), set(_volumes(top)), _secrets(top)
    )
    return _manifest(top, services, around)


def _check_top(top: Place) -> None:
    for key, child in top.mapping():
        if key in _REFUSED_TOP and child.value:
            raise child.refusal(f"{_REFUSED_TOP[key]}.")
        if key not in _TOP and not key.startswith("x-"):
            raise child.refusal("is no key of a compose file.")
    networks = top.get("networks")
    for _, network in () if networks is None else networks.mapping():
        external = network.get("external")
        if external is not None and external.value not in (False, "false"):
            raise network.refusal("lies outside of the app, where it may not reach. Its services share one network.")


def _enabled(top: Place) -> dict[str, Place]:
    """Compose starts a service with profiles only where somebody names one of them; nobody does here."""
    said = top.get("services")
    if said is None or not said.value:
        raise SourceRefused(f"{top.document.file} has no services. Write at least one.")
    services: dict[str, Place] = {}
    for name, place in said.mapping():
        if not _SERVICE_NAME.fullmatch(name):
            raise place.refusal("has a name that is none: letters, digits, . _ and -, 63 at most.")
        check_keys(place)
        profiles = place.get("profiles")
        if profiles is not None and profiles.value:
            place.warn("belongs to a profile, so it is left out.")
        else:
            services[name] = place
    if not 0 < len(services) <= MOST_SERVICES:
        raise said.refusal(f"are {len(services)}. An app has 1 to {MOST_SERVICES}.")
    return services


def _volumes(top: Place) -> dict[str, VolumePlan]:
    said = top.get("volumes")
    found: dict[str, VolumePlan] = {}
    for name, place in () if said is None else said.mapping():
        if isinstance(place.value, dict):
            place.only({"name", "driver", "driver_opts", "external", "labels"})
            _check_volume(place)
        if not _VOLUME_NAME.fullmatch(name):
            raise place.refusal("has a name that is none: lower-case letters, digits, . _ and -, 63 at most.")
        found[name] = VolumePlan()
    return found


def _check_volume(place: Place) -> None:
    external, driver, options = place.get("external"), place.get("driver"), place.get("driver_opts")
    if external is not None and external.value not in (False, "false"):
        raise place.refusal(
            "is external. `slipyard volumes restore` brings data from elsewhere into a volume of the app."
        )
    if driver is not None and driver.text() != "local":
        raise driver.refusal("is local here; other drivers are not offered.")
    if options is not None and options.value:
        raise options.refusal("would mount something of the machine, which apps may not.")


def _secrets(top: Place) -> dict[str, str]:
    """The name of the app's secret, by the name in the file. Files are never read: a secret in a repository is none."""
    said = top.get("secrets")
    found: dict[str, str] = {}
    for name, place in () if said is None else said.mapping():
        variable = place.get("environment")
        if place.get("file") is not None:
            place.warn(f"does not come from its file: set it with `slipyard secrets set {name[:60]}`.")
        found[name] = name if variable is None else variable.text()
    return found


def _manifest(top: Place, places: dict[str, Place], around: Surroundings) -> Manifest:
    images = {name: image(place) for name, place in places.items()}
    services = {
        name: service(place, around).model_copy(update={"image": images[name]}) for name, place in places.items()
    }
    services = {name: service_extension(places[name]).over(each) for name, each in services.items()}
    public = _public(services, places)
    plans = {name: image_plan(place.child("build"), around.variables, around.directory, around.secrets)
             for name, place in places.items() if images[name] is None}  # fmt: skip
    names = _image_names(plans, public)
    services = {
        name: _finished(name, each, services, names.get(name), is_public=name == public)
        for name, each in services.items()
    }
    own = next((plan for name, plan in plans.items() if names[name] is None), None)
    manifest = Manifest(
        files=(top.document.file,),
        build=own,
        builds={built: plans[name] for name, built in names.items() if built is not None and name == built},
        image=None if plans else images[public or next(iter(places))],
        services=services,
        complete=True,
        templates=True,
        volumes=_volumes(top),
    )
    whole = app_extension(top).over(manifest)
    return whole.model_copy(update={"warnings": tuple(dict.fromkeys(top.warnings))})


def _public(services: dict[str, ServiceConfig], places: dict[str, Place]) -> str | None:
    """What says so, else web where it has a port, else the first one with `ports`."""
    told = next((name for name, each in services.items() if each.public), None)
    web = WEB if WEB in services and (services[WEB].port or takes_requests(places[WEB])) else None
    first = next((name for name in services if takes_requests(places[name]) and services[name].public is None), None)
    return told or web or first


def _image_names(plans: dict[str, ImagePlan], public: str | None) -> dict[str, str | None]:
    """The image of each built service; None is the app's own, which is what requests go to, or the first one. What is
    built alike is built once."""
    own = plans.get(public or "") or next(iter(plans.values()), None)
    first: dict[str, str] = {}
    names: dict[str, str | None] = {}
    for name, plan in plans.items():
        key = plan.model_dump_json()
        names[name] = None if plan == own else first.setdefault(key, name)
    return names


def _finished(
    name: str, each: ServiceConfig, services: dict[str, ServiceConfig], built: str | None, *, is_public: bool
) -> ServiceConfig:
    waited_for = (
        dependency.service == name and dependency.condition is Condition.COMPLETED
        for other in services.values()
        for dependency in other.depends_on or ()
    )
    one_shot = each.one_shot or any(waited_for) or None
    return each.model_copy(update={"build": built, "public": is_public or None, "one_shot": one_shot})
