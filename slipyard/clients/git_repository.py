"""Making a bare repository that is safe to archive from: the app's own remote and the mirror of one elsewhere alike."""

from pathlib import Path
from uuid import uuid4

ATTRIBUTES = "* -text -eol -crlf -ident -filter -working-tree-encoding -export-ignore -export-subst\n"  # wins over every .gitattributes
_CONFIGURATION = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\thooksPath = /dev/null
\tattributesFile = /dev/null
\tlogAllRefUpdates = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[receive]
\tautoGC = false
\tfsckObjects = true
[transfer]
\thideRefs = refs/slipyard
[fetch]
\twriteCommitGraph = false
[uploadpack]
\tallowFilter = true
"""


def write_bare(path: Path) -> None:
    """What `git init --bare` would make, without templates and hooks and with no moment in which it is half safe.

    An existing repository keeps its objects and refs; configuration and attributes are written anew. Blocking.
    """
    for directory in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
        (path / directory).mkdir(parents=True, exist_ok=True)
    _replace(path / "info" / "attributes", ATTRIBUTES)
    _replace(path / "config", _CONFIGURATION)
    if not (path / "HEAD").exists():
        _replace(path / "HEAD", "ref: refs/heads/main\n")


def _replace(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    # A draft of its own: two pushes may prepare one repository at once.
    draft = path.with_name(f".{path.name}.{uuid4().hex}.draft")
    draft.write_text(text)
    draft.replace(path)
