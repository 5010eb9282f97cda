"""What a builder keeps can be counted, and the least recently used of it given back; a build still works afterwards."""

from slipyard.builder.buildkit.build import BuildKit
from tests.engine.buildkit.builds import Builds


async def test_what_was_used_least_recently_is_given_back_and_no_more(builder: BuildKit, builds: Builds) -> None:
    await builds.run("FROM busybox\nRUN head -c 100000 /dev/urandom > /one\n")
    use = await builder.cache_use()
    assert 0 < use.reclaimable <= use.bytes

    assert await builder.prune_cache(use.bytes * 2) == 0
    freed = await builder.prune_cache(use.bytes - 1)
    assert 1 <= freed <= use.bytes
    await builds.run("FROM busybox\nRUN echo two > /two\n")
