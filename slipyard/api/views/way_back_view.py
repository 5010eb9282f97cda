"""What a rollback would do."""

from slipyard.domain.schemas.outgoing import WayBackView
from slipyard.pipeline.way_back.way_back import WayBack


def way_back_view(found: WayBack) -> WayBackView:
    target = found.target
    return WayBackView(
        message=found.sentence,
        app_id=target.app_id,
        deployment_id=target.id,
        release_id=target.release_id,
        way=found.way,
        changes=found.changes,
    )
