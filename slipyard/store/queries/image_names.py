"""What becomes of an image that was found under a name: whose it is, and whether anything may still want it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import Session, select

from slipyard.domain.lifecycle import BuildStatus
from slipyard.store.queries.builds import UNFINISHED_BUILDS
from slipyard.store.queries.retention import needed_images
from slipyard.store.tables import App, Build

_NAME = re.compile(r"(?P<repository>.+):b(?P<number>[0-9]{1,9})-(?P<attempt>[0-9]{1,9})(?:-[A-Za-z0-9._-]+)?")
_FAILED = (BuildStatus.FAILED, BuildStatus.CANCELLED, BuildStatus.SUPERSEDED)


@dataclass(frozen=True)
class Fate:
    """`may_go` only where every row that knows the name says so: what nobody can account for stays."""

    may_go: bool
    reason: str
    app: str | None = None
    manifest_digest: str | None = None  # of what the build pushed under this name


def fates_of(session: Session, home: str, keep: int, references: Iterable[str]) -> dict[str, Fate]:
    """`home`: host and prefix before the repository of an app. One answer for each reference."""
    needed = {reference for reference, _ in needed_images(session, keep)}
    apps = {f"{home}{app.slug}-{app.repository_secret}": app for app in session.exec(select(App))}
    return {reference: _fate(session, apps, needed, reference) for reference in references}


def _fate(session: Session, apps: dict[str, App], needed: set[str], reference: str) -> Fate:
    found = _NAME.fullmatch(reference)
    app = apps.get(found["repository"]) if found else None
    if found is None or app is None:
        return Fate(False, "No build of this installation has made this name: it is not Slipyard's to remove.")
    if reference in needed:
        return Fate(False, "A release that may be deployed needs it.", app.slug)
    query = select(Build).where(Build.app_id == app.id, Build.number == int(found["number"]))
    build = session.exec(query).first()
    if build is None:
        return Fate(False, f"Nothing is known of build {found['number']}.", app.slug)
    return Fate(*_verdict(build, reference), app.slug, digests_of(build).get(reference))


def digests_of(build: Build) -> dict[str, str | None]:
    """Of what it pushed, by every name of an image of it."""
    own = {build.image_reference: build.manifest_digest} if build.image_reference is not None else {}
    return own | {image.reference: image.manifest_digest for image in build.images.values()}


def _verdict(build: Build, reference: str) -> tuple[bool, str]:
    name = f"Build {build.number}"
    if build.status in UNFINISHED_BUILDS:
        return False, f"{name} is under way."
    if build.status in _FAILED:
        return True, f"{name} is {build.status}; nothing can deploy what it left."
    if reference not in digests_of(build):
        return True, f"An attempt of build {build.number} that was lost left it; another attempt made the image."
    if build.image_removed_at is not None:
        return True, f"The image of build {build.number} was written off; this was left."
    return False, f"{name} made it, and it was not written off yet."
