"""What a builder keeps can be counted, and the least recently used of it given back; a build still works afterwards."""

import secrets

from slipyard.builder.buildkit.build import BuildKit
from tests.engine.buildkit.builds import Builds


async def test_what_was_used_least_recently_is_given_back_and_no_more(builder: BuildKit, builds: Builds) -> None:
    await builds.run("COPY one /one", {"one": secrets.token_bytes(100_000)})
    use = await builder.cache_use()
    assert 0 < use.reclaimable <= use.bytes

    assert await builder.prune_cache(use.bytes * 2) == 0
    freed = await builder.prune_cache(use.bytes - 1)
    assert 1 <= freed <= use.bytes
    await builds.run("COPY two /two", {"two": "two"})
