"""Old images, trees and logs go; what a rollback may need stays."""

import os
from dataclasses import replace

from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.pipeline.cleaning.clean_up_old import clean_up_old
from slipyard.pipeline.way_back.roll_back import roll_back
from tests.flow.repository import Repository
from tests.flow.system import System
from tests.flow.test_push_to_live import new_app, push


async def test_only_what_a_rollback_may_need_is_kept(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    for number in range(4):
        await push(system, app_id, repository, f"commit {number}", main__py=str(number))
        await system.settle()
    for path in system.context.layout.snapshots.glob("*.tar"):
        os.utime(path, (0, 0))
    context = replace(system.context, settings=system.context.settings.model_copy(update={"keep_releases": 1}))

    await clean_up_old(context)

    references = [build.image_reference or "" for build in system.builds(app_id)]
    there = [await system.engine.image(reference) is not None for reference in references]
    assert there == [False, False, True, True]
    assert len(list(context.layout.snapshots.glob("*.tar"))) == 2
    await roll_back(context, app_id, None, system.actor)
    await system.settle()
    assert system.deployments(app_id)[-1].status is DeploymentStatus.ACTIVE
