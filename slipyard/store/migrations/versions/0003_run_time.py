"""What apps have once they are live: schedules, volumes, domains, sleep, services."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_schedules()
    _make_registry_logins()
    _make_volumes()
    _make_backups()
    _add_columns()
    _add_proofs_of_domains()
    _add_sleep_and_scale()


def _make_schedules() -> None:
    is_open = sa.text("ended_at IS NULL")
    op.create_table(
        "schedule",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("cron", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("service", sa.String(), nullable=True),
        sa.Column("overlap", sa.Text(), nullable=False),
        sa.Column("timeout_seconds", sa.Float(), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("retry_seconds", sa.Float(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("from_repository", sa.Boolean(), nullable=False),
        sa.Column("last_run", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_schedule_app_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
    )
    with op.batch_alter_table("schedule") as batch_op:
        batch_op.create_index(batch_op.f("ix_schedule_next_at"), ["next_at"], unique=False)
        batch_op.create_index("schedule_name", ["app_id", "name"], unique=True)

    op.create_table(
        "schedule_run",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("schedule_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("one_off_id", sa.String(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_schedule_run_app_id")),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedule.id"], name=op.f("fk_schedule_run_schedule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_run")),
    )
    with op.batch_alter_table("schedule_run") as batch_op:
        batch_op.create_index(batch_op.f("ix_schedule_run_app_id"), ["app_id"], unique=False)
        batch_op.create_index("schedule_run_number", ["schedule_id", "number"], unique=True)
        batch_op.create_index("schedule_run_open", ["id"], unique=False, sqlite_where=is_open, postgresql_where=is_open)


def _make_registry_logins() -> None:
    op.create_table(
        "registry_login",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("secret_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_registry_login_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_login")),
    )
    with op.batch_alter_table("registry_login") as batch_op:
        batch_op.create_index("registry_login_host", ["organization_id", "host"], unique=True)


def _make_volumes() -> None:
    there = sa.text("removed_at IS NULL")
    op.create_table(
        "volume",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("exclusive", sa.Boolean(), nullable=False),
        sa.Column("attachments", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("size_enforced", sa.Boolean(), nullable=False),
        sa.Column("used_bytes", sa.BigInteger(), nullable=True),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("full_told", sa.Boolean(), nullable=False),
        sa.Column("removing", sa.Boolean(), nullable=False),
        sa.Column("restoring", sa.String(), nullable=True),
        sa.Column("paused_by", sa.String(), nullable=True),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("next_backup_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_backup", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_volume_organization_id")),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_volume_app_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume")),
    )
    with op.batch_alter_table("volume") as batch_op:
        batch_op.create_index(batch_op.f("ix_volume_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_volume_app_id"), ["app_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_volume_next_backup_at"), ["next_backup_at"], unique=False)
        batch_op.create_index(
            "volume_name", ["app_id", "name"], unique=True, sqlite_where=there, postgresql_where=there
        )

    op.create_table(
        "backup_target",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("directory", sa.String(), nullable=True),
        sa.Column("bucket", sa.Text(), nullable=True),
        sa.Column("secret_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_backup_target_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backup_target")),
    )
    with op.batch_alter_table("backup_target") as batch_op:
        batch_op.create_index("backup_target_name", ["organization_id", "name"], unique=True)


def _make_backups() -> None:
    is_open = sa.text("ended_at IS NULL")
    op.create_table(
        "backup",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("volume_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("target_id", sa.String(), nullable=True),
        sa.Column("place", sa.String(), nullable=True),
        sa.Column("stored_bytes", sa.BigInteger(), nullable=True),
        sa.Column("content_bytes", sa.BigInteger(), nullable=True),
        sa.Column("entries", sa.Integer(), nullable=True),
        sa.Column("digest", sa.String(), nullable=True),
        sa.Column("key_id", sa.String(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_backup_app_id")),
        sa.ForeignKeyConstraint(["volume_id"], ["volume.id"], name=op.f("fk_backup_volume_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backup")),
    )
    with op.batch_alter_table("backup") as batch_op:
        batch_op.create_index(batch_op.f("ix_backup_app_id"), ["app_id"], unique=False)
        batch_op.create_index("backup_number", ["volume_id", "number"], unique=True)
        batch_op.create_index("backup_open", ["id"], unique=False, sqlite_where=is_open, postgresql_where=is_open)


def _add_columns() -> None:
    with op.batch_alter_table("app") as batch_op:
        batch_op.add_column(sa.Column("plan", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("region", sa.String(), nullable=True))

    with op.batch_alter_table("preview") as batch_op:
        batch_op.add_column(sa.Column("fork_url", sa.String(), nullable=True))

    with op.batch_alter_table("one_off") as batch_op:
        batch_op.add_column(sa.Column("schedule_run_id", sa.String(), nullable=True))

    _add_filled("build", sa.Column("images", sa.Text(), nullable=False), "{}")

    with op.batch_alter_table("deployment") as batch_op:
        batch_op.add_column(sa.Column("services", sa.Text(), nullable=True))

    with op.batch_alter_table("instance") as batch_op:
        batch_op.add_column(sa.Column("made_for", sa.String(), nullable=True))


def _add_proofs_of_domains() -> None:
    """Names that answered before anybody was asked for a proof go on to answer."""
    with op.batch_alter_table("domain") as batch_op:
        batch_op.add_column(sa.Column("proof_checked_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("proof_error", sa.String(), nullable=True))
    op.execute("UPDATE domain SET verified_at = created_at WHERE verified_at IS NULL")


def _add_sleep_and_scale() -> None:
    asleep = sa.text("asleep_since IS NOT NULL")
    with op.batch_alter_table("app") as batch_op:
        batch_op.add_column(sa.Column("asleep_since", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("rested_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("used_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("scaled_to", sa.Integer(), nullable=True))
        batch_op.create_index(
            "app_asleep", ["asleep_since"], unique=False, sqlite_where=asleep, postgresql_where=asleep
        )


def _add_filled(table: str, column: sa.Column[object], value: str) -> None:
    """Rows that are there get `value`; the tables know no default of the database's."""
    with op.batch_alter_table(table) as batch_op:
        filled = column.copy()
        filled.server_default = sa.DefaultClause(value)
        batch_op.add_column(filled)
    with op.batch_alter_table(table) as batch_op:
        batch_op.alter_column(column.name, server_default=None)
