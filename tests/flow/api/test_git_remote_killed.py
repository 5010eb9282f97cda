"""A push whose receiver was killed after git had moved its refs is found and decided as it was asked, and only once."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from slipyard.api.gitserver.push_session import PushSession
from slipyard.domain.layout import Layout
from slipyard.domain.ref_update import RefUpdate
from slipyard.pipeline.pushes.find_noted_pushes import NoteWatch, find_noted_pushes
from slipyard.pipeline.pushes.push_notes import PushNote, left_notes
from slipyard.pipeline.pushes.stored_push import AskedPush
from tests.flow.api.api_server import ApiServer, until
from tests.flow.api.git_client import push
from tests.flow.repository import Repository

HOLDS_A_NOTE = """
import sys, time
from pathlib import Path
from slipyard.domain.layout import Layout
from slipyard.domain.ref_update import RefUpdate
from slipyard.pipeline.pushes.push_notes import PushNote
from slipyard.pipeline.pushes.stored_push import AskedPush
note = PushNote.write(Layout(Path(sys.argv[1])), AskedPush("app", "dev", []))
print("held", flush=True)
time.sleep(600)
"""


async def dies(*_: object) -> None:
    raise RuntimeError("as if it was killed here: the refs have moved, and nobody has decided anything")


@pytest.fixture
async def shop(quiet_api: ApiServer, repository: Repository) -> ApiServer:
    triggers = {"tags": ["v*"], "branches": ["release/*"], "previews": {"enabled": True}}
    await quiet_api.client.post("/v1/apps", json={"name": "shop", "triggers": triggers})
    repository.commit("one", Dockerfile="FROM scratch\n")
    return quiet_api


async def found(api: ApiServer) -> list[tuple[str, str]]:
    """The commits and titles of what is deployed after two passes."""
    watch = NoteWatch()
    await find_noted_pushes(api.context, watch)
    await find_noted_pushes(api.context, watch)
    rows = (await api.client.get("/v1/apps/shop/deployments")).json()["deployments"]
    return sorted((row["commit"], row["title"]) for row in rows)


def left(api: ApiServer) -> int:
    return len(list(left_notes(api.context.layout)))


async def test_tags_and_further_branches_are_found(
    shop: ApiServer, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = repository.git("rev-parse", "HEAD")
    repository.git("tag", "-a", "-m", "first", "v1")
    with monkeypatch.context() as patched:
        patched.setattr(PushSession, "_decide", dies)
        for ref in ("v1", "main:release/1"):
            outcome = await push(repository, shop.remote("shop"), ref)
            assert "is found and deployed anyway" in outcome.text
    await until(lambda: _same(left(shop), 2))

    assert [title.partition(":")[0] for _, title in await found(shop)] == ["Tag v1"]
    assert (await found(shop))[0][0] == head, "the commit, not the tag; the branch has nothing that is newer"
    assert left(shop) == 0


async def test_a_preview_is_found_as_it_was_asked_for(
    shop: ApiServer, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(PushSession, "_decide", dies)
        await push(repository, shop.remote("shop"), "-o", "preview", "main:feature/login")
    await until(lambda: _same(left(shop), 1))

    await found(shop)

    (preview,) = (await shop.client.get("/v1/apps/shop/previews")).json()["previews"]
    assert (preview["branch"], preview["commit"]) == ("feature/login", repository.git("rev-parse", "HEAD"))


async def test_what_was_decided_before_its_receiver_died_is_not_decided_again(
    shop: ApiServer, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(PushNote, "decided", lambda _: None)
        await push(repository, shop.remote("shop"), "-o", "detach", "main")
    await until(lambda: _same(left(shop), 1))

    assert len(await found(shop)) == 1
    assert left(shop) == 0


async def test_a_push_that_was_decided_or_refused_leaves_no_note(shop: ApiServer, repository: Repository) -> None:
    await push(repository, shop.remote("shop"), "-o", "detach", "main")
    repository.commit("two")
    await push(repository, shop.remote("shop"), "-o", "detach", "main")
    repository.git("reset", "--hard", "HEAD~1")
    assert (await push(repository, shop.remote("shop"), "main")).status != 0

    await until(lambda: _same(len(list((shop.context.layout.repositories / "pushes").iterdir())), 0))


async def test_one_that_moved_no_ref_means_nothing(shop: ApiServer, repository: Repository) -> None:
    app_id = (await shop.client.get("/v1/apps/shop")).json()["id"]
    await push(repository, shop.remote("shop"), "-o", "detach", "main")
    await until(lambda: _same(left(shop), 0))
    before = await found(shop)
    update = {"old": "0" * 40, "new": "1" * 40, "ref": "refs/heads/release/9"}
    note = PushNote.write(shop.context.layout, AskedPush(app_id, "dev", [RefUpdate(**update)]))
    note.close()

    assert (await found(shop), left(shop)) == (before, 0)


async def test_a_note_is_left_alone_until_its_holder_is_gone_however_that_ends(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.repositories.mkdir()
    command = [sys.executable, "-c", HOLDS_A_NOTE, str(tmp_path)]
    holder = await asyncio.to_thread(subprocess.Popen, command, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert await asyncio.to_thread(holder.stdout.readline) == b"held\n"
        assert list(left_notes(layout)) == []
    finally:
        holder.kill()
        await asyncio.to_thread(holder.communicate)

    ((_, asked),) = left_notes(layout)
    assert asked == AskedPush("app", "dev", [], [])


async def _same(value: object, wanted: object) -> bool:
    return value == wanted
