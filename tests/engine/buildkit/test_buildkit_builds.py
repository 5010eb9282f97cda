"""What goes into a build arrives, what comes out is what the builder says it is."""

import asyncio
import os
from dataclasses import replace

from slipyard.builder.buildkit.exporters import ImageStore
from slipyard.builder.image_build import Dockerfile
from tests.engine.buildkit.builds import Builds
from tests.engine.buildkit.built_images import contents, manifest


async def test_a_build_gives_the_digest_of_the_images_config(builds: Builds):
    image = await builds.run(
        "RUN echo built > /made\n", labels={"org.slipyard.test": "buildkit", "two": "2"}, push=True
    )
    found = contents(builds)
    assert image.image_id.startswith("sha256:")
    assert found.files["made"] == b"built\n"
    assert found.config["config"]["Labels"]["two"] == "2"


async def test_a_pushed_image_lies_in_the_registry_under_the_digest_that_was_reported(builds: Builds):
    image = await builds.run("RUN true\n", push=True)
    if builds.builder._endpoint.store is ImageStore.ENGINE:
        assert image.manifest_digest is None
        return
    in_registry, digest = manifest(builds.reference)
    assert (image.manifest_digest, image.image_id) == (digest, in_registry["config"]["digest"])


async def test_a_secret_reaches_its_step_and_nothing_else(builds: Builds):
    secret = os.urandom(12).hex().encode()
    await builds.run(
        "RUN --mount=type=secret,id=token wc -c < /run/secrets/token > /length && md5sum /run/secrets/token\n",
        secrets={"token": secret},
        push=True,
    )
    found = contents(builds)
    assert found.files["length"] == b"24\n"
    assert secret not in found.everything
    assert secret.decode() not in repr(builds.said)


async def test_build_arguments_arrive(builds: Builds):
    await builds.run("ARG COLOUR\nRUN echo painted $COLOUR\n", build_args={"COLOUR": "blue"})
    assert "painted blue" in builds.output


async def test_only_the_stage_that_was_asked_for_is_built(builds: Builds):
    await builds.run("FROM scratch AS one\nCOPY busybox /bin/busybox\nFROM one AS two\nCOPY busybox /2\n", target="one")
    assert any("/bin/busybox" in step.name for step in builds.steps)
    assert not any("/2" in step.name for step in builds.steps)


async def test_a_second_build_of_the_same_tree_is_cached(builds: Builds):
    request = builds.request("COPY note /note\nRUN echo once\n", {"note": os.urandom(8).hex()})
    first = await builds.start(request)
    second = await builds.start(request)
    assert "CACHED" in builds.log
    assert "echo once" not in builds.output
    assert first.image_id == second.image_id


async def test_no_cache_runs_everything_again(builds: Builds):
    request = builds.request("RUN echo again\n")
    await builds.start(request)
    await builds.start(replace(request, no_cache=True))
    assert "again" in builds.output


async def test_cache_mounts_of_two_apps_are_kept_apart(builds: Builds):
    step = "RUN --mount=type=cache,id=pip,target=/cache echo left by {0} >> /cache/notes; cat /cache/notes\n"
    await builds.run(step.format("one"), cache_namespace="app_one" + os.urandom(4).hex())
    mine = "app_two" + os.urandom(4).hex()
    await builds.run(step.format("two"), cache_namespace=mine)
    assert builds.output == "left by two\n"
    await builds.run(step.format("three"), cache_namespace=mine)
    assert builds.output == "left by two\nleft by three\n"


async def test_a_context_of_20_megabytes_arrives_whole(builds: Builds):
    data = os.urandom(20 * 1024 * 1024)
    await builds.run("COPY data /data\nRUN wc -c < /data && rm /data\n", {"data": data})
    assert str(len(data)) in builds.output


async def test_names_and_output_need_not_be_ascii(builds: Builds):
    await builds.run(
        'COPY ["grüße/日本.txt", "/grüße.txt"]\nRUN cat /grüße.txt\n', {"grüße/日本.txt": "schöne Grüße, 日本\n"}
    )
    assert "schöne Grüße, 日本\n" in builds.output
    assert "grüße/日本.txt" in builds.log


async def test_a_dockerfile_that_is_text_is_used_and_not_copied(builds: Builds):
    request = builds.request("RUN exit 9\n", {"app.py": "print(1)\n"})
    own = 'FROM scratch\nCOPY . /\nRUN ["/busybox", "echo", "from text"]\n'
    await builds.start(replace(request, dockerfile=Dockerfile(text=own), push=True, no_cache=True))
    assert "from text" in builds.output
    assert contents(builds).files["Dockerfile"].endswith(b"RUN exit 9\n")


async def test_a_dockerfile_that_is_text_is_never_taken_from_an_earlier_build(builds: Builds):
    request = builds.request("RUN true\n")
    for word in ("alpha", "omega"):  # of one length
        text = f'FROM scratch\nCOPY busybox /busybox\nRUN ["/busybox", "echo", "{word}"]\n'
        await builds.start(replace(request, dockerfile=Dockerfile(text=text), no_cache=True))
        assert word in builds.output


async def test_the_official_frontend_is_taken_to_be_the_one_inside_the_builder(builds: Builds):
    await builds.run("# syntax=docker/dockerfile:1\nFROM scratch\nCOPY busybox /b\n")
    assert not any("docker/dockerfile" in step.name for step in builds.steps)


async def test_steps_are_numbered_in_the_order_of_their_appearance_and_all_end(builds: Builds):
    await builds.run("RUN echo one\nRUN echo two\n")
    numbers = list(dict.fromkeys(step.number for step in builds.steps))
    assert numbers == list(range(1, len(numbers) + 1))
    last = {step.number: step for step in builds.steps}
    assert all(step.completed_at or step.cached for step in last.values())


async def test_several_builds_run_at_the_same_time_and_hear_only_their_own(builds: Builds):
    all_builds = [replace(builds, reference=f"{builds.reference}{number}", said=[]) for number in range(4)]
    images = await asyncio.gather(*(own.run(f"RUN echo number {own.reference}\n") for own in all_builds))
    assert len({image.image_id for image in images}) == 4
    assert [own.output for own in all_builds] == [f"number {own.reference}\n" for own in all_builds]
