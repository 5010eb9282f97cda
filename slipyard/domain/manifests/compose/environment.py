"""What a service is given: variables of its own, from here and from files of the repository, and secrets as files."""

import posixpath

from slipyard.domain.configuration import check_path
from slipyard.domain.dotenv_file import read_dotenv
from slipyard.domain.errors import UserError
from slipyard.domain.manifests.compose.place import Place
from slipyard.domain.manifests.compose.surroundings import Surroundings, is_required
from slipyard.domain.manifests.compose.values import pairs
from slipyard.domain.naming import is_env_name


def environment(place: Place, around: Surroundings) -> dict[str, str]:
    """Files first, then what stands here. A name without a value is the app's variable, which every service has."""
    found: dict[str, str] = {}
    for path, child in _env_files(place):
        found |= _env_file(child, path, around)
    said = place.get("environment")
    if said is not None:
        for name, value in pairs(said).items():
            if not is_env_name(name):
                raise said.refusal(f"has {name[:60]!r}, which is no name of a variable.")
            if value is not None:
                found[name] = value
    return found


def _env_files(place: Place) -> list[tuple[str, Place]]:
    child = place.get("env_file")
    if child is None:
        return []
    return [(_path_of(one), one) for one in (child.sequence() if isinstance(child.value, list) else iter([child]))]


def _path_of(place: Place) -> str:
    path: Place | None = place.get("path") if isinstance(place.value, dict) else place
    if path is None:
        raise place.refusal("has no path.")
    return path.text()


def _env_file(place: Place, path: str, around: Surroundings) -> dict[str, str]:
    """Its values are taken as they are: a `$` in them stays one."""
    text = around.file(posixpath.normpath(posixpath.join(around.directory, path)))
    if text is None:
        if isinstance(place.value, dict) and not is_required(place):
            return {}
        raise place.refusal(
            f"names {path[:80]!r}, which is not in the repository. Import it with `slipyard env import`, and say"
            " `required: false` here."
        )
    try:
        return {name: value.replace("$", "$$") for name, value in read_dotenv(text).items()}
    except UserError as error:
        raise place.refusal(f"cannot be read: {error.message}") from error


def secret_files(place: Place, around: Surroundings) -> dict[str, str]:
    """The app's secret, by the path where it lies."""
    child = place.get("secrets")
    found: dict[str, str] = {}
    for each in () if child is None else child.sequence():
        is_long = isinstance(each.value, dict)
        source: Place | None = each.get("source") if is_long else each
        target: Place | None = each.get("target") if is_long else source
        name = "" if source is None else source.text()
        if name not in around.secrets:
            raise each.refusal(f"names the secret {name[:60]!r}, which `secrets` at the end of the file does not name.")
        path = posixpath.join("/run/secrets", name if target is None else target.text())
        try:
            found[check_path(path)] = around.secrets[name]
        except UserError as error:
            raise each.refusal(f"cannot lie there: {error.message}") from error
    return found
