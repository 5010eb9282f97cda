"""Templates lie in a directory each, with a `template.yaml` that says what it is; the rest is the source of the app."""

import asyncio
import io
import re
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

import slipyard
from slipyard.builder.snapshot import Snapshot, snapshot_from
from slipyard.domain.errors import FieldProblem, SystemFault, ValidationFailed
from slipyard.domain.template import Template
from slipyard.pipeline.context import Context

ABOUT = "template.yaml"
_OWN = Path(slipyard.__file__).parent.parent / "examples" / "templates"
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PIECE = 64 * 1024


async def templates(context: Context) -> list[Template]:
    """By id. `SystemFault` for one that says nothing of itself: whoever put it there has to correct it."""
    return await asyncio.to_thread(_read_all, _root(context))


async def template_source(context: Context, template_id: str) -> tuple[Template, Snapshot]:
    """Its files as they are now, stored. `ValidationFailed` where there is none of that name."""
    found = next((each for each in await templates(context) if each.id == template_id), None)
    if found is None:
        there = ", ".join(each.id for each in await templates(context)) or "none"
        raise ValidationFailed(
            f"There is no template {template_id[:80]!r}; there are {there}.",
            details=[FieldProblem("template_id", "not there")],
        )
    content = await asyncio.to_thread(_packed, _root(context) / found.id)
    return found, await snapshot_from(_pieces(content), context.layout.snapshots, durable=True)


def _root(context: Context) -> Path:
    return context.settings.templates or _OWN


def _read_all(root: Path) -> list[Template]:
    if not root.is_dir():
        return []
    return [_read(path) for path in sorted(root.iterdir()) if _ID.fullmatch(path.name) and (path / ABOUT).is_file()]


def _read(directory: Path) -> Template:
    try:
        said = YAML(typ="safe", pure=True).load(directory / ABOUT)
        return Template.model_validate({**said, "id": directory.name})
    except (YAMLError, ValidationError, TypeError, UnicodeDecodeError) as error:
        raise SystemFault(
            f"{directory / ABOUT} is no description of a template: it needs `name` and `description`. Correct it."
        ) from error


def _packed(directory: Path) -> bytes:
    """Small enough for memory: templates are examples."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in sorted(directory.rglob("*")):
            if path.is_file() and path.name != ABOUT and "__pycache__" not in path.parts:
                tar.add(path, arcname=str(path.relative_to(directory)), recursive=False)
    return packed.getvalue()


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _PIECE):
        yield content[start : start + _PIECE]
