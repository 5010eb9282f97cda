"""Who leads: a row whose heartbeat others watch with their own clocks."""

import secrets

from sqlalchemy import CursorResult, update
from sqlmodel import Session, col

from slipyard.pipeline.context import Context
from slipyard.store.claims import Holder, process_start
from slipyard.store.tables import Lease

_NAME = "controller"
_BEATS_IN_A_LEASE = 4


class LeaderLease:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._token = secrets.token_hex(16)
        self._seen: tuple[str, int] = ("", -1)
        self._since = context.clock.monotonic()

    async def acquire(self) -> None:
        """Returns once this process leads: at once where the leader before is dead or was this machine's."""
        while not await self._context.database.writing(self._try):
            await self._context.clock.sleep(self._beat_seconds)

    async def keep(self) -> None:
        """Returns where the lease is lost."""
        confirmed = self._context.clock.monotonic()
        while self._context.clock.monotonic() - confirmed < self._context.settings.lease_seconds:
            await self._context.clock.sleep(self._beat_seconds)
            start = self._context.clock.monotonic()
            if not await self._context.database.writing(self._beat):
                return
            confirmed = start

    async def give_up(self) -> None:
        await self._context.database.writing(self._delete)

    @property
    def _beat_seconds(self) -> float:
        return self._context.settings.lease_seconds / _BEATS_IN_A_LEASE

    def _try(self, session: Session) -> bool:
        row = session.get(Lease, _NAME, with_for_update=True)
        if row is None:
            session.add(Lease(name=_NAME, holder=str(self._context.holder), token=self._token))
            return True
        if not self._is_lost(row):
            return False
        row.holder, row.token, row.heartbeat = str(self._context.holder), self._token, row.heartbeat + 1
        session.add(row)
        return True

    def _is_lost(self, row: Lease) -> bool:
        holder = Holder.parse(row.holder)
        if holder.host == self._context.holder.host and process_start(holder.pid) != holder.started:
            return True
        now = self._context.clock.monotonic()
        if self._seen != (row.token, row.heartbeat):
            self._seen, self._since = (row.token, row.heartbeat), now
        return now - self._since > self._context.settings.lease_seconds

    def _beat(self, session: Session) -> bool:
        mine = update(Lease).where(col(Lease.name) == _NAME, col(Lease.token) == self._token)
        done = session.execute(mine.values(heartbeat=Lease.heartbeat + 1))
        return isinstance(done, CursorResult) and done.rowcount == 1

    def _delete(self, session: Session) -> None:
        row = session.get(Lease, _NAME, with_for_update=True)
        if row is not None and row.token == self._token:
            session.delete(row)
