"""Archives for tests: usual ones by the standard library, strange ones header by header."""

import io
import tarfile
from collections.abc import AsyncIterator, Mapping


def tar_of(files: Mapping[str, bytes | str], format: int = tarfile.GNU_FORMAT) -> bytes:  # noqa: A002 - tarfile's own word
    """Content by path; a str is the target of a symbolic link, a path with a slash at its end a directory."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=format) as archive:
        for path, content in files.items():
            add(archive, path, content)
    return made.getvalue()


def add(archive: tarfile.TarFile, path: str, content: bytes | str = b"", **facts: object) -> None:
    member = tarfile.TarInfo(path)
    if isinstance(content, str):
        member.type, member.linkname = tarfile.SYMTYPE, content
    elif path.endswith("/"):
        member.type = tarfile.DIRTYPE
    else:
        member.size = len(content)
    for name, value in facts.items():
        setattr(member, name, value)
    archive.addfile(member, io.BytesIO(content) if member.isreg() and isinstance(content, bytes) else None)


def one(path: str, content: bytes | str = b"", **facts: object) -> bytes:
    """An archive of one member, with any of TarInfo's attributes set by hand."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as archive:
        add(archive, path, content, **facts)
    return made.getvalue()


async def chunks(data: bytes, size: int = 10_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
