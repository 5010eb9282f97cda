"""For all tests: log lines as they are, since drawn tracebacks of a whole stack take longer than the test; and temporary
files in memory, where there is enough of it, since most of a test's time was SQLite's waiting for the disk."""

import os
import shutil
import tempfile
from pathlib import Path

import structlog

_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 4 * 1024**3

structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

if "TMPDIR" not in os.environ and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH_BYTES:
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)
