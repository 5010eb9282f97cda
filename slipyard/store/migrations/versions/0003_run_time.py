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
    _add_columns()


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


def _add_columns() -> None:
    with op.batch_alter_table("app") as batch_op:
        batch_op.add_column(sa.Column("plan", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("region", sa.String(), nullable=True))

    with op.batch_alter_table("one_off") as batch_op:
        batch_op.add_column(sa.Column("schedule_run_id", sa.String(), nullable=True))

    with op.batch_alter_table("build") as batch_op:
        batch_op.add_column(sa.Column("images", sa.Text(), nullable=False, server_default="{}"))

    with op.batch_alter_table("deployment") as batch_op:
        batch_op.add_column(sa.Column("services", sa.Text(), nullable=True))
