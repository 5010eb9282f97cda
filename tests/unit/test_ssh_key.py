"""Keys for ssh: what is brought is checked, what is made works, and nothing of a secret is in an error."""

import subprocess
from pathlib import Path

import pytest

from slipyard.domain.errors import ValidationFailed
from slipyard.domain.known_hosts import check_known_hosts
from slipyard.pipeline.sources.ssh_key import generate_key, read_key

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


def keygen(path: Path, *arguments: str) -> str:
    subprocess.run(["ssh-keygen", "-q", "-f", path, *arguments], check=True)
    return path.read_text()


@pytest.mark.parametrize("text", ["", "hush", KEY, "-----BEGIN OPENSSH PRIVATE KEY-----\nhush\n-----END", "x" * 20_000])
def test_what_is_no_private_key_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        read_key(text)
    assert "hush" not in refusal.value.message


@pytest.mark.parametrize("form", [[], ["-m", "PEM", "-t", "rsa"]], ids=["openssh", "pem"])
def test_a_key_with_a_passphrase_is_refused(tmp_path: Path, form: list[str]) -> None:
    with pytest.raises(ValidationFailed, match="passphrase"):
        read_key(keygen(tmp_path / "key", "-N", "secret-words", *form))


@pytest.mark.parametrize(
    "form", [["-t", "ed25519"], ["-t", "ecdsa"], ["-t", "rsa"], ["-t", "rsa", "-m", "PEM"]], ids=str
)
def test_a_key_of_ssh_keygen_is_taken_and_its_public_half_known(tmp_path: Path, form: list[str]) -> None:
    text = keygen(tmp_path / "key", "-N", "", *form)
    key = read_key(text)
    assert key.public == " ".join((tmp_path / "key.pub").read_text().split()[:2])
    assert text not in repr(key)


def test_a_made_key_is_one_that_ssh_reads(tmp_path: Path) -> None:
    key = generate_key()
    (tmp_path / "key").write_text(key.private)
    (tmp_path / "key").chmod(0o600)
    read = subprocess.run(["ssh-keygen", "-y", "-f", tmp_path / "key"], capture_output=True, text=True, check=True)
    assert read.stdout.split()[:2] == key.public.split()
    assert generate_key().private != key.private


@pytest.mark.parametrize(
    "text",
    ["github.com", "github.com ssh-ed25519", "github.com ssh-ed25519 !!!", f"gitlab.com {KEY}", f"@revoked * {KEY}", f"{KEY[8:]}",
     f"[github.com]:2222 {KEY}", "\n".join([f"github.com {KEY}"] * 33)],
)  # fmt: skip
def test_a_line_that_is_not_of_this_host_is_refused(text: str) -> None:
    with pytest.raises(ValidationFailed):
        check_known_hosts(text, "github.com")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("# a comment\n\n", ""),
        (KEY, f"github.com {KEY}"),
        (f"{KEY} the host's own comment", f"github.com {KEY}"),
        (f"github.com {KEY} comment\r\ngithub.com,140.82.121.4 {KEY}\r\n", f"github.com {KEY}\ngithub.com,140.82.121.4 {KEY}"),
        (f"|1|c2FsdA==|aGFzaA== {KEY}", f"|1|c2FsdA==|aGFzaA== {KEY}"),
    ],
)  # fmt: skip
def test_lines_of_the_host_are_kept(text: str, kept: str) -> None:
    assert check_known_hosts(text, "github.com") == kept
