"""A directory as its upload."""

import io
import tarfile

from tests.flow.repository import DOCKERFILE


def tarball(**files: str) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as tar:
        for name, text in ({"Dockerfile": DOCKERFILE} | files).items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return output.getvalue()
