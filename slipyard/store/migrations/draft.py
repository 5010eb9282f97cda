"""`python -m slipyard.store.migrations.draft "what changes"`: the difference between the tables and their history."""

import sys
import tempfile
from pathlib import Path

from alembic import command

from slipyard.store.database import migration_engine, sqlite_url
from slipyard.store.migration import alembic_config, begin_migration, newest_revision


def main() -> None:
    """Read what it wrote before you commit it: renames look like a removal and an addition."""
    with tempfile.TemporaryDirectory() as directory:
        engine = migration_engine(sqlite_url(Path(directory) / "draft.db"))
        with begin_migration(engine) as connection:
            config = alembic_config(connection)
            command.upgrade(config, "head")
            number = int(newest_revision() or 0) + 1
            command.revision(config, message=sys.argv[1], autogenerate=True, rev_id=f"{number:04}")
        engine.dispose()


if __name__ == "__main__":
    main()
