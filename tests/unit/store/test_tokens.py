from datetime import timedelta

import pytest
from sqlmodel import select

from slipyard.store.tables import LoginLink, Token
from slipyard.store.tokens import (
    LOGIN_LINK_LIFETIME,
    find_token,
    list_tokens,
    new_login_link,
    new_token,
    note_use,
    revoke_token,
    use_login_link,
)
from tests.unit.store.rows import NOW, add_organization

SECOND = timedelta(seconds=1)


@pytest.fixture
def session(database):
    with database.write() as session:
        yield session


@pytest.fixture
def organization(session):
    return add_organization(session)


@pytest.fixture
def token_and_secret(session, organization):
    return new_token(session, organization.id, "ci", ["apps:read", "apps:deploy"], NOW)


@pytest.mark.parametrize("secret", ["", "sly_", "sly_" + "A" * 43, "\udc80", "x" * 100_000])
def test_what_is_no_token_finds_none(session, token_and_secret, secret):
    assert find_token(session, secret, NOW) is None


def test_an_expired_token_is_none(session, organization):
    _, secret = new_token(session, organization.id, "ci", [], NOW, expires_at=NOW + SECOND)
    assert find_token(session, secret, NOW) is not None
    assert find_token(session, secret, NOW + SECOND) is None


def test_a_revoked_token_is_none_and_is_revoked_once(session, organization, token_and_secret):
    token, secret = token_and_secret
    assert not revoke_token(session, add_organization(session, "other").id, token.id, NOW)
    assert revoke_token(session, organization.id, token.id, NOW)
    assert not revoke_token(session, organization.id, token.id, NOW + SECOND)
    assert find_token(session, secret, NOW) is None
    assert list_tokens(session, organization.id) == []
    assert session.get(Token, token.id).revoked_at == NOW


def test_a_token_is_found_by_its_secret_which_is_stored_nowhere(session, token_and_secret):
    token, secret = token_and_secret
    assert secret.startswith("sly_")
    assert len(secret) == len("sly_") + 43
    assert find_token(session, secret, NOW).id == token.id
    assert secret not in str(session.exec(select(Token)).one().model_dump())


def test_the_last_use_is_kept(session, organization, token_and_secret):
    note_use(session, token_and_secret[0].id, NOW)
    [token] = list_tokens(session, organization.id)
    assert token.last_used_at == NOW


def test_a_link_lets_in_once(session, token_and_secret):
    secret = new_login_link(session, token_and_secret[0].id, NOW)
    assert use_login_link(session, secret, NOW).id == token_and_secret[0].id
    assert use_login_link(session, secret, NOW) is None


def test_an_old_or_unknown_link_lets_nobody_in(session, token_and_secret):
    secret = new_login_link(session, token_and_secret[0].id, NOW)
    assert use_login_link(session, "unknown", NOW) is None
    assert use_login_link(session, secret, NOW + LOGIN_LINK_LIFETIME) is None
    assert secret not in str(session.exec(select(LoginLink)).one().model_dump())


def test_a_link_of_a_revoked_token_lets_nobody_in(session, organization, token_and_secret):
    secret = new_login_link(session, token_and_secret[0].id, NOW)
    revoke_token(session, organization.id, token_and_secret[0].id, NOW)
    assert use_login_link(session, secret, NOW) is None
