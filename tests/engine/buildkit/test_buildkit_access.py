"""Registries that want a login, and daemons that want a certificate."""

import subprocess
from pathlib import Path

import pytest

from slipyard.builder.buildkit.connect import standalone
from slipyard.domain.errors import BuildFailed, Unavailable, ValidationFailed
from slipyard.domain.ids import new_id
from tests.engine.buildkit.builds import Builds
from tests.engine.buildkit.conftest import OWNER
from tests.engine.buildkit.daemons import buildkitd, free_port


@pytest.fixture
async def private_base(private_registry: str, standalone_daemon: str, tmp_path: Path) -> str:
    """An image that only `OWNER` may pull; pushing it needed the login, too."""
    reference = f"{private_registry}/base/{new_id('img')}:1"
    builds = Builds(standalone(standalone_daemon), tmp_path, reference)
    await builds.run(f"ENV MADE={reference}\n", credentials={private_registry: OWNER})
    return reference


async def test_a_private_base_image_without_a_login_is_named(builds: Builds, private_base: str):
    with pytest.raises(BuildFailed, match=rf"does not give out the image {private_base}"):
        await builds.run(f"FROM {private_base}\nRUN true\n")


async def test_a_private_base_image_is_pulled_with_the_login(builds: Builds, private_base: str, private_registry: str):
    await builds.run(f'FROM {private_base}\nRUN ["/bin/busybox", "env"]\n', credentials={private_registry: OWNER})
    assert f"MADE={private_base}" in builds.output
    assert OWNER.password not in repr(builds.said)


async def test_a_push_without_a_login_is_not_the_users_fault(
    private_registry: str, standalone_daemon: str, tmp_path: Path
):
    builds = Builds(standalone(standalone_daemon), tmp_path, f"{private_registry}/app/{new_id('img')}:1")
    with pytest.raises(Unavailable, match="refused to take"):
        await builds.run("RUN true\n")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and one certificate of it for both sides."""
    home = tmp_path_factory.mktemp("certificates")
    (home / "names").write_text("subjectAltName=IP:127.0.0.1\n")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=home, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "request", "-subj", "/CN=builder")
    openssl(
        "x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key", "-out", "cert.pem", "-extfile", "names"
    )
    return home


async def test_a_remote_daemon_takes_only_who_has_a_certificate(certificates: Path, open_registry: str, tmp_path: Path):
    port, files = free_port(), {name: certificates / f"{name}.pem" for name in ("ca", "cert", "key")}
    tls = f'[grpc.tls]\ncert = "{files["cert"]}"\nkey = "{files["key"]}"\nca = "{files["ca"]}"\n'
    reference = f"{open_registry}/{new_id('img')}:1"
    with buildkitd([open_registry], listen=f"tcp://127.0.0.1:{port}", tls=tls) as (address, _):
        builds = Builds(standalone(address, certificates), tmp_path, reference)
        assert (await builds.run("RUN true\n")).manifest_digest
        assert "buildkitd v0" in await builds.builder.describe()
        with pytest.raises(Unavailable):
            await Builds(standalone(address), tmp_path, reference).run("RUN true\n")


def test_certificates_that_are_not_there_are_named(tmp_path: Path):
    with pytest.raises(ValidationFailed, match=r"cannot be read from .*must hold ca\.pem, cert\.pem and key\.pem"):
        standalone("tcp://127.0.0.1:1234", tmp_path)
