"""Encrypts everything that is stored under the key in use now: what makes an old key droppable.

The whole rotation: `cipher.add_key`, reload every part, `cipher.promote_key`, reload, `renew_secrets`, `drop_old_keys`.
"""

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from slipyard.store.cipher import Cipher
from slipyard.store.tables import (
    BackupTarget,
    ConfigVersion,
    Connection,
    Deployment,
    EnvVar,
    GitCredentialRow,
    Hook,
    HostCertificate,
    LogDrain,
    Notifier,
    RegistryLogin,
    Release,
    SecretRow,
    SecretStoreRow,
)


def renew_secrets(session: Session, cipher: Cipher) -> int:
    """How many values were written again. One transaction: all of them or none."""
    renewed = 0
    for variable in session.exec(select(EnvVar)):
        variable.value_encrypted = cipher.renew(variable.value_encrypted)
        renewed += 1
    hooks = session.exec(select(Hook).where(col(Hook.secret_encrypted) != b""))
    for holder in (*hooks, *session.exec(select(GitCredentialRow)), *session.exec(select(RegistryLogin))):
        holder.secret_encrypted = cipher.renew(holder.secret_encrypted)
        renewed += 1
    for target in session.exec(select(BackupTarget).where(col(BackupTarget.secret_encrypted).is_not(None))):
        target.secret_encrypted = cipher.renew(target.secret_encrypted or b"")
        renewed += 1
    for connection in session.exec(select(Connection)):
        connection.token_encrypted = cipher.renew(connection.token_encrypted)
        renewed += 1
    for notifier in session.exec(select(Notifier)):
        notifier.url_encrypted = cipher.renew(notifier.url_encrypted)
        if notifier.secret_encrypted is not None:
            notifier.secret_encrypted = cipher.renew(notifier.secret_encrypted)
        renewed += 1
    for drain in session.exec(select(LogDrain)):
        drain.url_encrypted = cipher.renew(drain.url_encrypted)
        if drain.authorization_encrypted is not None:
            drain.authorization_encrypted = cipher.renew(drain.authorization_encrypted)
        renewed += 1
    for row in _rows_with_environment(session):
        row.env_encrypted = cipher.renew(row.env_encrypted or b"")
        renewed += 1
    renewed += _renew_configurations(session, cipher) + _renew_certificates(session, cipher)
    session.flush()
    return renewed


def _renew_certificates(session: Session, cipher: Cipher) -> int:
    brought = session.exec(select(HostCertificate).where(col(HostCertificate.key_encrypted).is_not(None))).all()
    for certificate in brought:
        certificate.key_encrypted = cipher.renew(certificate.key_encrypted or b"")
    return len(brought)


def _renew_configurations(session: Session, cipher: Cipher) -> int:
    contents = [*session.exec(select(SecretRow)), *session.exec(select(ConfigVersion))]
    for content in contents:
        content.content_encrypted = cipher.renew(content.content_encrypted)
    stores = session.exec(select(SecretStoreRow)).all()
    for store in stores:
        store.settings_encrypted = cipher.renew(store.settings_encrypted)
    releases = session.exec(select(Release).where(col(Release.files_encrypted) != b"")).all()
    for release in releases:
        release.files_encrypted = cipher.renew(release.files_encrypted)
    return len(contents) + len(stores) + len(releases)


def erase_secrets(session: Session, app_id: str) -> None:
    """For an app that is removed: its history stays, what it knew does not."""
    for variable in session.exec(select(EnvVar).where(EnvVar.app_id == app_id)):
        session.delete(variable)
    for kind in (SecretRow, ConfigVersion):
        session.execute(delete(kind).where(col(kind.app_id) == app_id))
    session.execute(update(Release).where(col(Release.app_id) == app_id).values(files_encrypted=b""))
    for hook in session.exec(select(Hook).where(Hook.app_id == app_id)):
        hook.secret_encrypted = b""
    for credential in session.exec(select(GitCredentialRow).where(GitCredentialRow.app_id == app_id)):
        session.delete(credential)
    for row in _rows_with_environment(session, app_id):
        row.env_encrypted = b""
    session.flush()


def _rows_with_environment(session: Session, app_id: str | None = None) -> list[Release | Deployment]:
    releases = select(Release).where(col(Release.env_encrypted) != b"")
    deployments = select(Deployment).where(col(Deployment.env_encrypted) != b"")  # NULL is not unequal
    if app_id is not None:
        releases, deployments = releases.where(Release.app_id == app_id), deployments.where(Deployment.app_id == app_id)
    return [*session.exec(releases), *session.exec(deployments)]
