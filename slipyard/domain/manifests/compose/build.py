"""The `build` of a service: what image is made of the repository."""

import posixpath

from slipyard.domain.interpolation import BadInterpolation
from slipyard.domain.manifest import ImagePlan
from slipyard.domain.manifests.compose.filled import Variables
from slipyard.domain.manifests.compose.place import Place
from slipyard.domain.manifests.compose.values import pairs
from slipyard.domain.naming import is_env_name

_READ = frozenset({"context", "dockerfile", "dockerfile_inline", "args", "target", "secrets"})
_SILENT = frozenset({"cache_from", "cache_to", "labels", "no_cache", "pull", "provenance", "sbom", "shm_size", "tags"})
_REFUSED = {
    "additional_contexts": "is not read. Put what the image needs into its context",
    "entitlements": "would reach beyond the build",
    "extra_hosts": "cannot be chosen",
    "isolation": "cannot be chosen",
    "network": "cannot be chosen: builds have a network of their own",
    "platforms": "cannot be chosen for a service alone: the app says its platform",
    "privileged": "would reach beyond the build",
    "ssh": "is not given to builds. Make the key a secret for builds and mount it",
    "ulimits": "cannot be chosen",
}


def image_plan(place: Place, variables: Variables, directory: str, secrets: dict[str, str]) -> ImagePlan:
    """`directory` is the one of the compose file; `secrets` are names of the app's, by the name in the file."""
    if isinstance(place.value, str):
        return ImagePlan(context=_inside(place, directory, place.text()))
    _check(place)
    context, dockerfile, target = place.get("context"), place.get("dockerfile"), place.get("target")
    inline = place.get("dockerfile_inline")
    if inline is not None and dockerfile is not None:
        raise place.refusal("has a dockerfile and a dockerfile_inline. Keep one of them.")
    return ImagePlan(
        context=_inside(context or place, directory, "." if context is None else context.text()),
        dockerfile=None if dockerfile is None else _inside(dockerfile, "", dockerfile.text(), up=True),
        dockerfile_text=None if inline is None else inline.text(),
        target=None if target is None else target.text(),
        args=_arguments(place, variables),
        secrets=_secrets(place, secrets),
    )


def _check(place: Place) -> None:
    for key, child in place.mapping():
        if key in _REFUSED and child.value not in (None, False, [], {}):
            raise child.refusal(f"{_REFUSED[key]}.")
    place.only(_READ | _SILENT | _REFUSED.keys())


def _inside(place: Place, directory: str, text: str, *, up: bool = False) -> str:
    """A Dockerfile may lie above its context (`up`); that it lies in the repository is seen when it is read."""
    if "://" in text or text.startswith(("/", "~", "git@", "\\")):
        raise place.refusal(f"names {text[:80]!r}, which is not in this repository. Give a relative path.")
    path = posixpath.normpath(posixpath.join(directory, text or "."))
    if not up and path.split("/")[0] == "..":
        raise place.refusal(f"names {text[:80]!r}, which lies above the app's directory. Give a path inside it.")
    return "" if path == "." else path


def _arguments(place: Place, variables: Variables) -> dict[str, str]:
    """Without a value it is the variable of that name, where there is one."""
    child = place.get("args")
    if child is None:
        return {}
    try:
        said = {name: variables.open(name) if value is None else value for name, value in pairs(child).items() if name}
    except BadInterpolation as error:
        raise child.refusal(f"{error}.") from error
    for name in said:
        if not is_env_name(name):
            raise child.refusal(f"has {name[:60]!r}, which is no name: letters, digits and underscores.")
    return {name: value for name, value in said.items() if value is not None}


def _secrets(place: Place, secrets: dict[str, str]) -> tuple[str, ...]:
    child = place.get("secrets")
    found: list[str] = []
    for each in () if child is None else child.sequence():
        source = each.get("source") if isinstance(each.value, dict) else each
        name = "" if source is None else source.text()
        if name not in secrets:
            raise each.refusal(f"names the secret {name[:60]!r}, which `secrets` at the end of the file does not name.")
        found.append(secrets[name])
    return tuple(found)
