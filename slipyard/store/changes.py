"""Whether anything was written to the database, asked for next to nothing: who polls need not read when nothing is new."""

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from slipyard.store.database import Database

_SQLITE = "PRAGMA data_version"  # moves with each commit of another connection; this one writes nothing
# Moves when a transaction that writes begins or ends anywhere in the server: too often at worst, never too late.
_POSTGRESQL = "SELECT CAST(pg_current_snapshot() AS text)"


class ChangeMark:
    """Holds one connection, since SQLite's counter means something only to the connection that reads it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._query = _SQLITE if database.is_sqlite else _POSTGRESQL
        self._connection: Connection | None = None
        self._connections = 0

    def read(self) -> tuple[int, str]:
        """Equal to an earlier answer only where nothing was committed in between. Blocking; one thread at a time."""
        if self._connection is None:
            self._connection = self._database.reader.connect()
            self._connections += 1
        try:
            value = str(self._connection.exec_driver_sql(self._query).scalar())
            self._connection.rollback()
        except DBAPIError:
            self.close()
            raise
        return self._connections, value

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
