"""When two URLs mean one repository."""

import pytest

from slipyard.domain.repository_key import repository_key


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/shop",
        "https://github.com/acme/shop.git",
        "https://GitHub.com/acme/shop.git/",
        "http://github.com:80/acme/shop",
        "ssh://git@github.com/acme/shop.git",
        "ssh://deploy@github.com:2222/acme/shop",
        "git@github.com:acme/shop.git",
    ],
)
def test_one_repository_in_many_words(url: str) -> None:
    assert repository_key(url) == "github.com/acme/shop"


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/Shop",
        "https://github.com:8443/acme/shop",
        "https://gitlab.com/acme/shop",
        "https://github.com/acme/shop/wiki",
        "git@github.com:shop.git",
    ],
)
def test_other_repositories(url: str) -> None:
    assert repository_key(url) not in {None, "github.com/acme/shop"}


@pytest.mark.parametrize("url", [None, "", "shop", "ext::sh", "/srv/shop.git", "https://github.com/.git"])
def test_what_is_no_repository_is_like_no_other(url: str | None) -> None:
    assert repository_key(url) is None
