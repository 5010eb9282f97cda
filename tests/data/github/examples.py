"""Every example of a payload that GitHub sends, as `(event, payload)`."""

import json
import lzma
from pathlib import Path
from typing import Any

EXAMPLES: list[tuple[str, dict[str, Any]]] = [
    (event, payload)
    for event, payload in json.loads(lzma.decompress((Path(__file__).parent / "examples.json.xz").read_bytes()))
]
