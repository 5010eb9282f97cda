import stat

import pytest
from sqlmodel import select

from slipyard.domain.errors import SystemFault, ValidationFailed
from slipyard.store.cipher import add_key, drop_old_keys, load_cipher, promote_key, read_keys
from slipyard.store.environment import env_fingerprints, env_of, open_env, seal_env, set_env
from slipyard.store.rotation import erase_secrets, renew_secrets
from slipyard.store.tables import Connection, Deployment, EnvVar, Hook, LogDrain, Notifier, Release
from tests.unit.store.rows import NOW, add_app, add_deployment, add_hook, add_organization, add_release


@pytest.fixture
def key_file(tmp_path):
    return tmp_path / "secret.key"


@pytest.fixture
def cipher(key_file):
    return load_cipher(key_file)


def test_another_key_opens_nothing_and_says_what_to_do(cipher, tmp_path):
    sealed = load_cipher(tmp_path / "other.key").encrypt(b"secret")
    with pytest.raises(SystemFault, match=r"Put back the secret\.key"):
        cipher.decrypt(sealed)


def test_changed_bytes_are_refused(cipher):
    sealed = bytearray(cipher.encrypt(b"secret"))
    sealed[20] ^= 1
    with pytest.raises(SystemFault):
        cipher.decrypt(bytes(sealed))


@pytest.mark.parametrize("content", ["", "encrypt\n", "fingerprint 0000\n", "encrypt 0000\nfingerprint !\n"])
def test_a_damaged_key_file_is_refused_and_never_replaced(key_file, content):
    key_file.write_text(content)
    with pytest.raises(SystemFault, match="from a backup"):
        load_cipher(key_file)
    assert key_file.read_text() == content


def test_only_the_owner_reads_the_key(cipher, key_file):
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    add_key(key_file)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert list(key_file.parent.iterdir()) == [key_file]


def test_the_key_shows_nowhere(cipher, key_file):
    keys = read_keys(key_file)
    assert keys.encryption[0] not in repr(keys)
    assert keys.fingerprint not in repr(keys)


def test_what_one_process_sealed_another_opens(cipher, key_file):
    assert load_cipher(key_file).decrypt(cipher.encrypt(b"secret")) == b"secret"


def test_fingerprints_tell_equal_from_different_and_need_the_key(cipher, tmp_path):
    assert cipher.fingerprint(b"one") == cipher.fingerprint(b"one") != cipher.fingerprint(b"two")
    assert load_cipher(tmp_path / "other.key").fingerprint(b"one") != cipher.fingerprint(b"one")
    assert len(cipher.fingerprint(b"one")) == 12


def test_a_rotation_renews_everything_and_parts_that_reload_late_still_read(database, cipher, key_file):
    with database.write() as session:
        app = add_app(session)
        set_env(session, cipher, app.id, {"A": "1"}, replace=False, now=NOW)
        add_hook(session, app, secret_encrypted=cipher.encrypt(b"hook"))
        add_release(session, app, env_encrypted=seal_env(cipher, {"A": "1"}))
        add_deployment(session, app, env_encrypted=seal_env(cipher, {"A": "2"}))
        add_deployment(session, app)
    before = cipher.fingerprint(b"1")
    add_key(key_file)
    between = load_cipher(key_file)
    promote_key(key_file)
    assert between.decrypt(load_cipher(key_file).encrypt(b"new")) == b"new"
    with database.write() as session:
        assert renew_secrets(session, load_cipher(key_file)) == 5  # with the version of the configuration
    drop_old_keys(key_file)
    newest = load_cipher(key_file)
    assert newest.fingerprint(b"1") == before
    with pytest.raises(SystemFault):
        newest.decrypt(cipher.encrypt(b"old"))
    with database.read() as session:
        assert env_of(session, newest, app.id) == {"A": "1"}
        assert newest.decrypt(session.exec(select(Hook)).one().secret_encrypted) == b"hook"
        assert open_env(newest, session.exec(select(Release)).one().env_encrypted) == {"A": "1"}
        first, second = session.exec(select(Deployment).order_by(Deployment.number)).all()
        assert open_env(newest, first.env_encrypted) == {"A": "2"}
        assert second.env_encrypted is None


def test_a_rotation_renews_what_opens_systems_elsewhere(database, cipher, key_file):
    with database.write() as session:
        owner, sealed = add_organization(session), cipher.encrypt(b"token")
        known = {"organization_id": owner.id, "created_at": NOW}
        session.add(Connection(id="con_1", provider="github", host="x", api_url="x", token_encrypted=sealed, **known))
        session.add(Notifier(id="ntf_1", name="a", kind="apprise", url_encrypted=sealed, events=[], **known))
        session.add(
            Notifier(
                id="ntf_2", name="b", kind="webhook", url_encrypted=sealed, secret_encrypted=sealed, events=[], **known
            )
        )
        session.add(LogDrain(id="drn_1", name="c", kind="http", url_encrypted=sealed, **known))
    add_key(key_file)
    promote_key(key_file)
    with database.write() as session:
        assert renew_secrets(session, load_cipher(key_file)) == 4
    drop_old_keys(key_file)
    newest = load_cipher(key_file)
    with database.read() as session:
        rows = [row for table in (Notifier, Connection, LogDrain) for row in session.exec(select(table))]
        values = [
            vars(row).get(name) for row in rows for name in ("url_encrypted", "secret_encrypted", "token_encrypted")
        ]
        assert [newest.decrypt(value) for value in values if value is not None] == [b"token"] * 5


def test_a_removed_app_leaves_no_secrets_and_others_keep_theirs(database, cipher):
    with database.write() as session:
        gone, other = add_app(session, "gone"), add_app(session, "other")
        for app in (gone, other):
            set_env(session, cipher, app.id, {"A": "1"}, replace=False, now=NOW)
            add_hook(session, app)
            add_release(session, app, env_encrypted=seal_env(cipher, {"A": "1"}))
        erase_secrets(session, gone.id)
    with database.read() as session:
        assert env_of(session, cipher, gone.id) == {}
        assert env_of(session, cipher, other.id) == {"A": "1"}
        releases = {release.app_id: release for release in session.exec(select(Release))}
        assert open_env(cipher, releases[gone.id].env_encrypted) == {}
        assert open_env(cipher, releases[other.id].env_encrypted) == {"A": "1"}


def test_a_bad_name_changes_nothing(database, cipher):
    with database.write() as session:
        app = add_app(session)
    with pytest.raises(ValidationFailed), database.write() as session:
        set_env(session, cipher, app.id, {"GOOD": "1", "not-good": "2"}, replace=False, now=NOW)
    with database.read() as session:
        assert env_of(session, cipher, app.id) == {}


def test_changes_are_merged_and_null_removes(database, cipher):
    with database.write() as session:
        app = add_app(session)
        assert set_env(session, cipher, app.id, {"A": "1", "B": "2"}, replace=False, now=NOW) == {"A", "B"}
    with database.write() as session:
        changes = {"A": "1", "B": None, "C": "ü\n", "NEVER_THERE": None}
        assert set_env(session, cipher, app.id, changes, replace=False, now=NOW) == {"B", "C"}
        assert env_of(session, cipher, app.id) == {"A": "1", "C": "ü\n"}


def test_a_whole_set_replaces_what_was_there(database, cipher):
    with database.write() as session:
        app = add_app(session)
        set_env(session, cipher, app.id, {"A": "1", "B": "2"}, replace=False, now=NOW)
        assert set_env(session, cipher, app.id, {"A": "3", "C": ""}, replace=True, now=NOW) == {"A", "B", "C"}
        assert env_of(session, cipher, app.id) == {"A": "3", "C": ""}
        assert set_env(session, cipher, app.id, {"A": "3", "C": ""}, replace=True, now=NOW) == set()


def test_lists_show_fingerprints_and_the_database_holds_no_value(database, cipher):
    with database.write() as session:
        app = add_app(session)
        set_env(session, cipher, app.id, {"A": "hunter2"}, replace=False, now=NOW)
        assert env_fingerprints(session, app.id) == {"A": cipher.fingerprint(b"hunter2")}
        assert b"hunter2" not in session.exec(select(EnvVar)).one().value_encrypted
