"""Two engines over one database: readers that cannot write, and one writer at a time.

On SQLite the writer begins with BEGIN IMMEDIATE and the reader is deferred and `query_only`; one engine with the usual
hook would let an open read block writers. On PostgreSQL both are pools of the same server, and the readers' sessions
are read only. A transaction holds no network call: `writing` takes a plain function and runs it in a thread.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool
from sqlmodel import Session

from slipyard.domain.errors import DiskFull
from slipyard.store.held_releases import hold_releases

T = TypeVar("T")
_BUSY_MILLISECONDS = 15_000
_MOST_TRIES = 5
# serialization_failure and deadlock_detected of PostgreSQL; by number, since its driver costs each process 9 MiB.
_TRY_AGAIN = frozenset({"40001", "40P01"})
_FULL = "53100"  # disk_full of PostgreSQL


class Database:
    """`inline` runs the async forms on the caller's thread: for simulations that must be deterministic."""

    def __init__(self, url: str | URL, *, inline: bool = False) -> None:
        self.url = make_url(url)
        self._inline = inline
        hold_releases()
        self.writer = _engine(self.url, read_only=False)
        self.reader = _engine(self.url, read_only=True)

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        with Session(self.reader, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: commits at the end of the block, or not at all."""
        with Session(self.writer, expire_on_commit=False) as session, session.begin():
            yield session

    async def reading(self, query: Callable[[Session], T]) -> T:
        return self._read(query) if self._inline else await asyncio.to_thread(self._read, query)

    async def writing(self, change: Callable[[Session], T]) -> T:
        return self._write(change) if self._inline else await asyncio.to_thread(self._write, change)

    def _read(self, query: Callable[[Session], T]) -> T:
        with self.read() as session:
            return query(session)

    def _write(self, change: Callable[[Session], T]) -> T:
        """Again where PostgreSQL ended it to let another transaction through: then nothing of it has happened."""
        for _ in range(_MOST_TRIES - 1):
            try:
                return self._write_once(change)
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) not in _TRY_AGAIN:
                    raise
        return self._write_once(change)

    def _write_once(self, change: Callable[[Session], T]) -> T:
        try:
            with self.write() as session:
                return change(session)
        except OperationalError as error:
            if _is_full(error):
                raise DiskFull(
                    "The disk of the database is full, so nothing new can be written down; what is live serves on. Make"
                    " room, for instance with `slipyard system cleanup`: everything goes on by itself then."
                ) from error
            raise

    def dispose(self) -> None:
        """Closes every connection: also before a fork, and after one without touching the parent's."""
        self.writer.dispose()
        self.reader.dispose()


def sqlite_url(path: Path) -> URL:
    return URL.create("sqlite", database=str(path))


def _engine(url: URL, *, read_only: bool) -> Engine:
    if url.get_backend_name() != "sqlite":
        return _server_engine(url, read_only=read_only)
    options = {"check_same_thread": False}
    engine = create_engine(url, poolclass=QueuePool, pool_size=4, connect_args=options, hide_parameters=True)
    event.listen(engine, "connect", _prepare_reader if read_only else _prepare_writer)
    event.listen(engine, "begin", _begin_deferred if read_only else _begin_immediate)
    return engine


def _server_engine(url: URL, *, read_only: bool) -> Engine:
    options = {"options": "-c default_transaction_read_only=on"} if read_only else {}
    return create_engine(
        url, poolclass=QueuePool, pool_size=5, pool_pre_ping=True, connect_args=options, hide_parameters=True
    )


def migration_engine(url: str | URL) -> Engine:
    """A connection without foreign keys: a batch migration with them on deletes the rows of child tables."""
    return create_engine(url, poolclass=NullPool)


def _prepare_writer(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    _prepare(connection)
    connection.execute("PRAGMA synchronous=FULL")  # what was accepted survives a power cut


def _prepare_reader(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    _prepare(connection)
    connection.execute("PRAGMA query_only=ON")


def _prepare(connection: sqlite3.Connection) -> None:
    connection.isolation_level = None  # we begin transactions ourselves
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_deferred(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")


def _is_full(error: OperationalError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", None)
    return code == sqlite3.SQLITE_FULL or getattr(error.orig, "sqlstate", None) == _FULL
