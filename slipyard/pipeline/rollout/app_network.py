"""An app's own subnet: issued once, kept until the app and its route are gone."""

from sqlmodel import Session, col, select

from slipyard.deployer.addresses import pool_size, subnet_at
from slipyard.deployer.driver import AppNetwork
from slipyard.domain.errors import Conflict, Unavailable
from slipyard.pipeline.context import Context
from slipyard.store.tables import App

_MOST_REFUSED = 64


async def ensure_app_network(context: Context, app_id: str) -> AppNetwork:
    """The engine refuses overlaps, which arbitrates between installations: a refused subnet is passed over."""
    refused: set[str] = set()
    while len(refused) < _MOST_REFUSED:
        network = await context.database.writing(lambda session: _issue(session, context, app_id, refused))
        try:
            await context.driver.ensure_network(network)
        except Conflict:
            refused.add(network.subnet)
        else:
            return network
    raise Unavailable(
        f"The engine refused {_MOST_REFUSED} subnets of {context.settings.network_pool} in a row. Set"
        " SLIPYARD_NETWORK_POOL to a network that nothing else on this machine uses."
    )


def _issue(session: Session, context: Context, app_id: str, refused: set[str]) -> AppNetwork:
    app = session.get_one(App, app_id, with_for_update=True)
    if app.subnet is None or app.subnet in refused:
        app.subnet = _free_subnet(session, context, refused)
        app.last_address = None
        session.add(app)
        session.flush()
    return AppNetwork(app_id, app.subnet)


def _free_subnet(session: Session, context: Context, refused: set[str]) -> str:
    pool = context.settings.network_pool
    issued = set(session.exec(select(App.subnet).where(col(App.subnet).is_not(None))).all())
    for index in range(pool_size(pool)):
        subnet = str(subnet_at(pool, index))
        if subnet not in issued and subnet not in refused:
            return subnet
    raise Unavailable(f"All subnets of {pool} are in use; set SLIPYARD_NETWORK_POOL to a larger network.")
