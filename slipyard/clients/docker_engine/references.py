"""Image references as the engine's API wants them: the repository, and the tag or digest apart."""

_HUB = "docker.io"


def split_tag(reference: str) -> tuple[str, str]:
    """`host:5000/name:tag` -> (`host:5000/name`, `tag`); a digest stands where the tag would; no tag is `latest`."""
    repository, at, digest = reference.partition("@")
    if at:
        return _without_tag(repository), digest
    tag = repository[len(_without_tag(repository)) + 1 :]
    return _without_tag(repository), tag or "latest"


def registry_of(reference: str) -> str:
    """The first part is a host where it could not be a name: it has a dot or a port, or is `localhost`."""
    first, slash, _ = reference.partition("/")
    return first if slash and (set(".:") & set(first) or first == "localhost") else _HUB


def _without_tag(repository: str) -> str:
    head, slash, last = repository.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"
