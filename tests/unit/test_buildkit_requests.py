"""What is asked of the daemon, and what its answer is taken for. Values only."""

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from slipyard.builder.buildkit.address import parse_address
from slipyard.builder.buildkit.build import methods_for
from slipyard.builder.buildkit.context_member import read_member
from slipyard.builder.buildkit.exporters import ImageStore, built_image, is_loopback
from slipyard.builder.buildkit.restrictions import check_dockerfile, check_dockerfile_in
from slipyard.builder.buildkit.solve_request import frontend_attributes, solve_request
from slipyard.builder.image_build import BuiltImage, Dockerfile, ImageBuild
from slipyard.domain.errors import BuildFailed, Unavailable, ValidationFailed

BUILD = ImageBuild("bld", Path("context.tar"), Dockerfile("web/Dockerfile"), "127.0.0.1:7008/app:1", "app_1")


@pytest.mark.parametrize(
    "text", ["", "http://x", "unix://", "tcp://", "tcp://x:99999", "ssh://a", "/var/run/docker.sock"]
)
def test_an_address_of_another_kind_is_refused(text: str):
    with pytest.raises(ValidationFailed, match="must be unix:///path or tcp://host:port"):
        parse_address(text, default_port=1)


def test_addresses_are_understood():
    assert parse_address("unix:///run/a.sock", default_port=1).path == "/run/a.sock"
    remote = parse_address("tcp://[::1]:99", default_port=1)
    assert (remote.host, remote.port, parse_address("tcp://x", default_port=7).port) == ("::1", 99, 7)


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("# syntax=docker/dockerfile:1\nFROM x", True),
        ("# syntax = docker.io/docker/dockerfile:1.7-labs\nFROM x", True),
        ("# escape=`\n#Syntax=evil/x\nFROM x", False),
        ("#!/usr/bin/env -S docker build\n# syntax=evil/x\nFROM x", False),
        ("\ufeff# syntax=evil/x\nFROM x", False),
        ("// syntax=evil/x\nFROM x", False),
        ("# syntax=docker/dockerfile:2\nFROM x", False),
        ("# syntax=docker/dockerfile-evil:1\nFROM x", False),
        ("# syntax=registry.example/docker/dockerfile:1\nFROM x", False),
        ("FROM x\n# syntax=evil/x", True),
        ("\n# syntax=evil/x\nFROM x", True),
        ("# just words\n# syntax=evil/x\nFROM x", True),
    ],
)
def test_only_the_official_frontend_may_be_named(text: str, allowed: bool):
    if allowed:
        check_dockerfile("Dockerfile", text.encode())
        return
    with pytest.raises(BuildFailed, match="asks for the build frontend"):
        check_dockerfile("Dockerfile", text.encode())


def test_an_enormous_dockerfile_is_refused():
    with pytest.raises(BuildFailed, match="has 131073 bytes"):
        check_dockerfile("Dockerfile", b"#" * 131_073)


def test_a_context_that_is_no_tar_or_lacks_the_dockerfile_is_refused(tmp_path: Path):
    (tmp_path / "broken.tar").write_bytes(b"this is not a tar" * 100)
    with pytest.raises(BuildFailed, match="not a tar archive"):
        check_dockerfile_in(tmp_path / "broken.tar", "Dockerfile")
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    with pytest.raises(BuildFailed, match="no file 'Dockerfile'"):
        check_dockerfile_in(tmp_path / "empty.tar", "Dockerfile")


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("layout", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize(
    "path",
    ["Dockerfile", "web/Dockerfile", "d" * 60 + "/" + "f" * 60, "web/Dockerfile.größe", "é" * 40 + "/" + "é" * 40],
)
def test_a_file_is_found_in_every_kind_of_tar(tmp_path: Path, mode: str, layout: int, path: str):
    members = {"a/Dockerfile": b"wrong", "tar": b"Dockerfile".ljust(1024, b"\0"), path: b"right", "z": b"z"}
    with tarfile.open(tmp_path / "context.tar", mode, format=layout) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "Dockerfile"
        archive.addfile(link)
    for spelled in (path, f"./{path}"):
        assert read_member(tmp_path / "context.tar", spelled, 4) == b"righ"
    assert read_member(tmp_path / "context.tar", "link", 4) == b""
    assert read_member(tmp_path / "context.tar", "right", 4) is None


def test_the_cache_namespace_is_always_the_apps_whatever_the_arguments_say():
    sneaky = replace(BUILD, build_args={"BUILDKIT_CACHE_MOUNT_NS": "app_2", "A": "1"})
    attributes = frontend_attributes(sneaky, "session")
    assert attributes["build-arg:BUILDKIT_CACHE_MOUNT_NS"] == "app_1"
    assert attributes["build-arg:A"] == "1"


def test_no_frontend_is_ever_pulled():
    assert frontend_attributes(BUILD, "session")["cmdline"]


def test_what_is_not_asked_for_is_not_sent():
    plain = frontend_attributes(BUILD, "session")
    assert not {"target", "platform", "no-cache", "dockerfilekey"} & plain.keys()
    asked = replace(BUILD, target="web", platform="linux/arm64", no_cache=True, labels={"a": "b"})
    attributes = frontend_attributes(asked, "session")
    assert (attributes["target"], attributes["platform"], attributes["no-cache"]) == ("web", "linux/arm64", "")
    assert attributes["label:a"] == "b"


def test_a_dockerfile_of_ours_comes_from_its_own_directory():
    own = replace(BUILD, dockerfile=Dockerfile(text="FROM x"))
    assert frontend_attributes(own, "s")["dockerfilekey"] == "dockerfile"
    assert "/moby.filesync.v1.FileSync/DiffCopy" in methods_for(own)
    assert "/moby.filesync.v1.FileSync/DiffCopy" not in methods_for(BUILD)


def test_old_daemons_find_the_exporter_where_they_look():
    request = solve_request(replace(BUILD, push=True), ImageStore.ENGINE, ref="r", session_id="s")
    assert request.ExporterDeprecated == request.Exporters[0].Type == "moby"
    assert dict(request.ExporterAttrsDeprecated) == dict(request.Exporters[0].Attrs) == {"name": BUILD.reference}


def test_a_standalone_daemon_always_pushes_and_a_loopback_registry_needs_no_certificate():
    request = solve_request(BUILD, ImageStore.REGISTRY, ref="r", session_id="s")
    assert request.Exporters[0].Type == "image"
    assert dict(request.Exporters[0].Attrs) == {
        "name": BUILD.reference, "push": "true", "oci-mediatypes": "true", "registry.insecure": "true"
    }  # fmt: skip
    remote = replace(BUILD, reference="registry.example/app:1")
    attributes = solve_request(remote, ImageStore.REGISTRY, ref="r", session_id="s").Exporters[0].Attrs
    assert "registry.insecure" not in attributes


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1:5000", True), ("localhost", True), ("localhost:80", True), ("[::1]:5000", True), ("a.localhost:1", True),
        ("127.0.0.1.example:5000", False), ("10.0.0.1:5000", False), ("registry.example", False), ("", False),
    ],
)  # fmt: skip
def test_loopback_is_told_from_elsewhere(host: str, loopback: bool):
    assert is_loopback(host) is loopback


def test_digests_are_read_as_each_store_means_them():
    both = {"containerimage.config.digest": "sha256:c", "containerimage.digest": "sha256:m"}
    assert built_image({"containerimage.digest": "sha256:i"}, BUILD, ImageStore.ENGINE) == BuiltImage("sha256:i", None)
    assert built_image(both, BUILD, ImageStore.CONTAINERD) == BuiltImage("sha256:c", None)
    assert built_image(both, replace(BUILD, push=True), ImageStore.CONTAINERD) == BuiltImage("sha256:c", "sha256:m")
    assert built_image(both, BUILD, ImageStore.REGISTRY) == BuiltImage("sha256:c", "sha256:m")


@pytest.mark.parametrize(
    "answer", [{}, {"containerimage.config.digest": "sha256:c"}, {"containerimage.digest": "sha256:m"}]
)
def test_success_without_digests_is_no_success(answer: dict[str, str]):
    with pytest.raises(Unavailable, match="no digest"):
        built_image(answer, BUILD, ImageStore.REGISTRY)


def test_secrets_and_passwords_are_in_no_repr():
    assert "hush" not in repr(replace(BUILD, secrets={"token": b"hush"}))
