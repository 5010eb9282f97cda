"""What changes for an app that goes from one release to another, in words. Values of the environment are never told."""

from collections.abc import Iterator, Mapping

from slipyard.domain.health import HealthCheck
from slipyard.domain.release import ReleaseConfig, ServiceSpec

_SHORT = 12  # digits of a commit or a digest


def differences(now: ReleaseConfig, then: ReleaseConfig) -> list[str]:
    """Sentences, empty where the two releases are alike."""
    return [
        *_commit(now, then),
        *_image(now, then),
        *_environment(now.env_fingerprints, then.env_fingerprints),
        *_files(now.file_fingerprints, then.file_fingerprints),
        *_services(now, then),
        *_commands(now.commands, then.commands),
        *_changed("The strategy", str(now.rollout.strategy), str(then.rollout.strategy)),
    ]


def _commit(now: ReleaseConfig, then: ReleaseConfig) -> Iterator[str]:
    yield from _changed("The commit", _short(now.commit), _short(then.commit))


def _image(now: ReleaseConfig, then: ReleaseConfig) -> Iterator[str]:
    before, after = now.image, then.image
    if before.image_id != after.image_id:
        yield (
            f"The image goes from {before.reference} ({_digest(before.image_id)}) to {after.reference} "
            f"({_digest(after.image_id)})."
        )


def _environment(now: Mapping[str, str], then: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(now.keys() | then.keys()):
        if name not in then:
            yield f"The variable {name} goes away."
        elif name not in now:
            yield f"The variable {name} comes back."
        elif now[name] != then[name]:
            yield f"The variable {name} gets its earlier value back."


def _files(now: Mapping[str, str], then: Mapping[str, str]) -> Iterator[str]:
    for path in sorted(now.keys() | then.keys()):
        if path not in then:
            yield f"The secret file {path} goes away."
        elif path not in now:
            yield f"The secret file {path} comes back."
        elif now[path] != then[path]:
            yield f"The secret file {path} gets its earlier content back."


def _services(now: ReleaseConfig, then: ReleaseConfig) -> Iterator[str]:
    before = {service.name: service for service in now.services}
    after = {service.name: service for service in then.services}
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield f"The service {name} goes away."
        elif name not in before:
            yield f"The service {name} comes back."
        else:
            yield from _service(before[name], after[name])


def _service(now: ServiceSpec, then: ServiceSpec) -> Iterator[str]:
    of = f"of {now.name}"
    yield from _changed(f"The image {of}", _own_image(now), _own_image(then))
    yield from _changed(f"The command {of}", _command(now.command), _command(then.command))
    yield from _changed(f"The port {of}", _shown(now.port), _shown(then.port))
    yield from _changed(f"The number of instances {of}", str(now.replicas), str(then.replicas))
    yield from _changed(f"The CPU share {of}", now.resources.cpu, then.resources.cpu)
    yield from _changed(f"The memory {of}", now.resources.memory, then.resources.memory)
    yield from _health(of, now.health_check, then.health_check)


def _own_image(service: ServiceSpec) -> str:
    if service.image is None:
        return "the app's"
    return f"{service.image.reference} ({_digest(service.image.image_id)})"


def _health(of: str, now: HealthCheck, then: HealthCheck) -> Iterator[str]:
    """Headers may carry a secret: only that they change is told."""
    before, after = now.model_dump(mode="json"), then.model_dump(mode="json")
    for name in before:
        if before[name] == after[name]:
            continue
        if name == "headers":
            yield f"The headers of the health check {of} change."
        else:
            yield from _changed(f"The health check's {name} {of}", _shown(before[name]), _shown(after[name]))


def _commands(now: Mapping[str, tuple[str, ...]], then: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for moment in sorted(now.keys() | then.keys()):
        yield from _changed(f"The command {moment}", _command(now.get(moment)), _command(then.get(moment)))


def _changed(what: str, now: str, then: str) -> Iterator[str]:
    if now != then:
        yield f"{what} goes from {now} to {then}."


def _command(command: tuple[str, ...] | None) -> str:
    return "none of its own" if command is None else f'"{" ".join(command)}"'


def _shown(value: object) -> str:
    return "none" if value is None else str(value)


def _short(commit: str | None) -> str:
    return commit[:_SHORT] if commit else "none"


def _digest(image_id: str) -> str:
    return image_id.removeprefix("sha256:")[:_SHORT]
