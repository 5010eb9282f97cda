"""A server of the S3 protocol on loopback: versitygw over a directory, which checks every signature."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from slipyard.domain.backup import S3Place
from tests.engine.installation import CHECKOUT
from tests.engine.waiting import wait_until

ACCESS_KEY_ID, SECRET = "AKSLIPYARD", "a+secret/with=signs"
REGION = "eu-central-1"


@dataclass(frozen=True)
class S3Server:
    """`directory` holds a directory for each bucket, and a file for each object."""

    directory: Path
    endpoint: str

    def place(self, bucket: str, **changes: str) -> S3Place:
        (self.directory / bucket).mkdir(exist_ok=True)
        told = {"endpoint": self.endpoint, "bucket": bucket, "region": REGION, "access_key_id": ACCESS_KEY_ID}
        return S3Place.model_validate({**told, **changes})


@contextmanager
def s3_server(home: Path) -> Iterator[S3Server]:
    recipe = CHECKOUT / "scripts/install/programs/versitygw.sh"
    program = Path(subprocess.run([recipe], check=True, capture_output=True, text=True).stdout.strip()) / "versitygw"
    directory, metadata = home / "buckets", home / "metadata"
    directory.mkdir()
    metadata.mkdir()
    port = _free_port()
    environment = {**os.environ, "ROOT_ACCESS_KEY": ACCESS_KEY_ID, "ROOT_SECRET_KEY": SECRET}
    words = [
        program,
        "--port",
        f"127.0.0.1:{port}",
        "--region",
        REGION,
        "--quiet",
        "posix",
        "--sidecar",
        metadata,
        directory,
    ]
    with (
        (home / "s3.log").open("wb") as log,
        subprocess.Popen(words, env=environment, stdout=log, stderr=log) as server,
    ):
        try:
            wait_until(lambda: _answers(port))
            yield S3Server(directory, f"http://127.0.0.1:{port}")
        finally:
            server.kill()


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
