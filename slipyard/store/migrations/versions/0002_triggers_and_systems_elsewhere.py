"""Triggers of ten kinds, and the systems elsewhere that we read from and tell"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_tables()
    _make_configuration_tables()
    _make_domain_tables()
    _make_watching_tables()
    _add_columns()
    _add_columns_of_instances()
    _fill_columns()
    _add_indexes()


def _make_tables() -> None:
    op.create_table(
        "connection",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("api_url", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("token_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_connection_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection")),
    )
    with op.batch_alter_table("connection") as batch_op:
        batch_op.create_index("connection_host", ["organization_id", "provider", "host"], unique=True)

    op.create_table(
        "git_credential",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("secret_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=True),
        sa.Column("known_hosts", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_git_credential_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_git_credential")),
    )
    with op.batch_alter_table("git_credential") as batch_op:
        batch_op.create_index("git_credential_name", ["organization_id", "name"], unique=True)
        batch_op.create_index(batch_op.f("ix_git_credential_organization_id"), ["organization_id"], unique=False)

    op.create_table(
        "notifier",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("url_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("secret_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("failed_in_a_row", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_notifier_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifier")),
    )
    with op.batch_alter_table("notifier") as batch_op:
        batch_op.create_index(batch_op.f("ix_notifier_organization_id"), ["organization_id"], unique=False)

    op.create_table(
        "ci_trust",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("repository", sa.String(), nullable=False),
        sa.Column("repository_id", sa.String(), nullable=True),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_ci_trust_app_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ci_trust")),
    )
    with op.batch_alter_table("ci_trust") as batch_op:
        batch_op.create_index(batch_op.f("ix_ci_trust_app_id"), ["app_id"], unique=False)

    op.create_table(
        "message",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("target_id", sa.String(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_message_app_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    with op.batch_alter_table("message") as batch_op:
        batch_op.create_index(batch_op.f("ix_message_app_id"), ["app_id"], unique=False)
        batch_op.create_index(
            "message_due",
            ["next_at"],
            unique=False,
            sqlite_where=sa.text("finished_at IS NULL"),
            postgresql_where=sa.text("finished_at IS NULL"),
        )
        batch_op.create_index("message_once", ["key"], unique=True)
        batch_op.create_index(
            "message_lane",
            ["lane", "sequence"],
            unique=False,
            sqlite_where=sa.text("finished_at IS NULL"),
            postgresql_where=sa.text("finished_at IS NULL"),
        )

    op.create_table(
        "poll",
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("seen", sa.String(), nullable=True),
        sa.Column("refs", sa.Text(), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_poll_app_id")),
        sa.PrimaryKeyConstraint("app_id", name=op.f("pk_poll")),
    )
    with op.batch_alter_table("poll") as batch_op:
        batch_op.create_index(batch_op.f("ix_poll_next_at"), ["next_at"], unique=False)

    op.create_table(
        "preview",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("preview_app_id", sa.String(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("repository", sa.String(), nullable=False),
        sa.Column("head_ref", sa.String(), nullable=False),
        sa.Column("head_commit", sa.String(), nullable=False),
        sa.Column("fork", sa.Boolean(), nullable=False),
        sa.Column("approved_commit", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("comment_id", sa.String(), nullable=True),
        sa.Column("told", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_preview_app_id")),
        sa.ForeignKeyConstraint(["preview_app_id"], ["app.id"], name=op.f("fk_preview_preview_app_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preview")),
    )
    with op.batch_alter_table("preview") as batch_op:
        batch_op.create_index(batch_op.f("ix_preview_app_id"), ["app_id"], unique=False)
        batch_op.create_index(
            "preview_open",
            ["app_id", "number"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "check_seen",
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("commit", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_check_seen_app_id")),
        sa.PrimaryKeyConstraint("app_id", "commit", "name", name=op.f("pk_check_seen")),
    )

    op.create_table(
        "decision",
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("deployment_id", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_decision_app_id")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_decision_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", "app_id", name=op.f("pk_decision")),
    )
    with op.batch_alter_table("decision") as batch_op:
        batch_op.create_index(batch_op.f("ix_decision_app_id"), ["app_id"], unique=False)


def _make_configuration_tables() -> None:
    op.create_table(
        "config_version",
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_config_version_app_id")),
        sa.PrimaryKeyConstraint("app_id", "number", name=op.f("pk_config_version")),
    )
    op.create_table(
        "secret",
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_secret_app_id")),
        sa.PrimaryKeyConstraint("app_id", "name", name=op.f("pk_secret")),
    )
    op.create_table(
        "secret_store",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("settings_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_secret_store_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_secret_store")),
    )
    with op.batch_alter_table("secret_store") as batch_op:
        batch_op.create_index("secret_store_name", ["organization_id", "name"], unique=True)

    op.create_table(
        "one_off",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("release_id", sa.String(), nullable=False),
        sa.Column("deployment_id", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_one_off_app_id")),
        sa.ForeignKeyConstraint(["deployment_id"], ["deployment.id"], name=op.f("fk_one_off_deployment_id")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_one_off_release_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_off")),
    )
    is_open = sa.text("ended_at IS NULL")
    with op.batch_alter_table("one_off") as batch_op:
        batch_op.create_index("one_off_open", ["app_id"], unique=False, sqlite_where=is_open, postgresql_where=is_open)

    with op.batch_alter_table("release") as batch_op:
        batch_op.add_column(sa.Column("files_encrypted", sa.LargeBinary(), nullable=True))
    with op.batch_alter_table("app") as batch_op:
        batch_op.add_column(sa.Column("last_config", sa.Integer(), nullable=True))


def _make_domain_tables() -> None:
    op.create_table(
        "domain",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("strip_prefix", sa.Boolean(), nullable=False),
        sa.Column("redirect_to", sa.String(), nullable=True),
        sa.Column("redirect_status", sa.Integer(), nullable=False),
        sa.Column("proof", sa.String(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_domain_app_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_domain_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_domain")),
    )
    with op.batch_alter_table("domain") as batch_op:
        batch_op.create_index("domain_place", ["host", "path"], unique=True)
        batch_op.create_index(batch_op.f("ix_domain_app_id"), ["app_id"], unique=False)

    op.create_table(
        "host_certificate",
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("chain", sa.String(), nullable=True),
        sa.Column("key_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issuer", sa.String(), nullable=True),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_host_certificate_organization_id")
        ),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_host_certificate")),
    )
    op.create_table(
        "route_rules",
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_route_rules_app_id")),
        sa.PrimaryKeyConstraint("app_id", name=op.f("pk_route_rules")),
    )


def _make_watching_tables() -> None:
    op.create_table(
        "log_drain",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("url_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("authorization_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("tenant", sa.String(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_log_drain_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_drain")),
    )
    with op.batch_alter_table("log_drain") as batch_op:
        batch_op.create_index(batch_op.f("ix_log_drain_organization_id"), ["organization_id"], unique=False)

    op.create_table(
        "alert",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("resolve_below", sa.Float(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("silenced_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_alert_app_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    with op.batch_alter_table("alert") as batch_op:
        batch_op.create_index(batch_op.f("ix_alert_app_id"), ["app_id"], unique=False)


def _add_columns() -> None:
    with op.batch_alter_table("app") as batch_op:
        batch_op.add_column(sa.Column("parent_id", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("last_told", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("has_git_access", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("git_access_error", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("locked_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("locked_by", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("lock_reason", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("maintenance", sa.String(), nullable=True))
        batch_op.create_index(batch_op.f("ix_app_parent_id"), ["parent_id"], unique=False)

    with op.batch_alter_table("delivery") as batch_op:
        batch_op.add_column(sa.Column("body_bytes", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("replay_of", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("forced", sa.Boolean(), nullable=True))

    with op.batch_alter_table("hook") as batch_op:
        batch_op.add_column(sa.Column("settings", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("rejected_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("rejection", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("installed", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("push") as batch_op:
        batch_op.add_column(sa.Column("held_for", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("rule", sa.String(), nullable=True))
        batch_op.create_index(batch_op.f("ix_push_held_for"), ["held_for"], unique=False)

    with op.batch_alter_table("deployment") as batch_op:
        batch_op.add_column(sa.Column("parked", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("parked_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("canary_step", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("evidence", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("progress", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("bake_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("rolls_back", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("way_back", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("promoted_from", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("principal", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("awaits_approval", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("approved_by", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("force_reason", sa.String(), nullable=True))
        batch_op.create_index(batch_op.f("ix_deployment_promoted_from"), ["promoted_from"], unique=False)

    with op.batch_alter_table("build") as batch_op:
        batch_op.add_column(sa.Column("removal_due", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("provenance", sa.Text(), nullable=True))

    with op.batch_alter_table("release") as batch_op:
        batch_op.add_column(sa.Column("provenance", sa.Text(), nullable=True))

    with op.batch_alter_table("token") as batch_op:
        batch_op.add_column(sa.Column("app_id", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("person", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("created_by", sa.String(), nullable=True))
        batch_op.create_index(batch_op.f("ix_token_app_id"), ["app_id"], unique=False)


def _add_columns_of_instances() -> None:
    with op.batch_alter_table("instance") as batch_op:
        batch_op.add_column(sa.Column("exit_code", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("memory_bytes", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("last_lines", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("trouble", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("resting_since", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("replaces", sa.String(), nullable=True))


def _add_indexes() -> None:
    is_open, is_held = sa.text("verdict IS NULL"), sa.text("decision = 'held'")
    with op.batch_alter_table("delivery") as batch_op:
        batch_op.create_index("delivery_body", ["hook_id", "body_digest"], unique=False)
        batch_op.create_index("delivery_open", ["id"], unique=False, sqlite_where=is_open, postgresql_where=is_open)
    with op.batch_alter_table("push") as batch_op:
        batch_op.create_index("push_ref", ["app_id", "ref", "id"], unique=False)
        batch_op.create_index("push_held", ["app_id"], unique=False, sqlite_where=is_held, postgresql_where=is_held)


def _fill_columns() -> None:
    """Rows that are there get their values before the columns insist on one."""
    op.execute("UPDATE app SET last_config = 0")
    op.execute("UPDATE release SET files_encrypted = ''")
    op.execute("UPDATE app SET last_told = last_event")  # what happened before is nobody's news
    op.execute("UPDATE delivery SET body_bytes = length(body), forced = false")
    op.execute("UPDATE deployment SET canary_step = 0, awaits_approval = false")
    op.execute("UPDATE build SET removal_due = false")
    op.execute("UPDATE hook SET settings = '{}'")
    for table, column, kind in (
        ("app", "last_told", sa.Integer()),
        ("app", "last_config", sa.Integer()),
        ("release", "files_encrypted", sa.LargeBinary()),
        ("delivery", "body_bytes", sa.Integer()),
        ("delivery", "forced", sa.Boolean()),
        ("build", "removal_due", sa.Boolean()),
        ("deployment", "canary_step", sa.Integer()),
        ("deployment", "awaits_approval", sa.Boolean()),
        ("hook", "settings", sa.Text()),
    ):
        with op.batch_alter_table(table) as batch_op:
            batch_op.alter_column(column, existing_type=kind, nullable=False)
