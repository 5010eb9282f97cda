"""Which names and link targets a tree may have: inside it, in one spelling, and such that the builder can carry them."""

from slipyard.builder.archive_limits import ArchiveLimits
from slipyard.builder.tar_reader import Member
from slipyard.domain.errors import SourceRefused


def path_of(member: Member, limits: ArchiveLimits) -> str:
    """Without `./`, doubled and trailing slashes, which mean nothing. A common top directory stays: it means something."""
    text = name_of(member.name)
    if text.startswith("/"):
        raise SourceRefused(
            f"{text[:200]!r} is an absolute path. Pack with relative paths, as tar -C <directory> . does."
        )
    parts = [part for part in text.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise SourceRefused(f"{text[:200]!r} leads out of the archive by '..'. Pack from inside the directory.")
    path = "/".join(parts)
    limits.check_path(path, parts)
    return path


def name_of(name: bytes) -> str:
    """BuildKit keeps names as UTF-8 in its messages; others fail there with a riddle."""
    try:
        text = name.decode()
    except UnicodeDecodeError as error:
        raise SourceRefused(f"The file name {name[:200]!r} is not UTF-8. Rename it.") from error
    if any(sign < " " or sign == "\x7f" for sign in text):
        raise SourceRefused(f"The file name {text[:200]!r} has control characters. Rename it.")
    return text


def target_of(path: str, member: Member) -> bytes:
    target = name_of(member.link)
    if not target or target.startswith("/"):
        raise SourceRefused(
            f"{path!r} links to the absolute path {target[:200]!r}. Use a relative link inside the tree."
        )
    depth = path.count("/")
    for part in target.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            raise SourceRefused(f"{path!r} links to {target[:200]!r}, which leads out of the tree. Link inside it.")
    if len(member.link) > 4095:  # noqa: PLR2004 - PATH_MAX of Linux
        raise SourceRefused(f"The target of the link {path!r} is too long.")
    return member.link
