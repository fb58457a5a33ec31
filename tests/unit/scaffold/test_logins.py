"""A login is recognized by its exact name, so that no parameter of the data is taken for one."""

from __future__ import annotations

import pytest

from include.ticklake.scaffold.logins import is_login


@pytest.mark.parametrize(
    "name",
    ["api_key", "apikey", "apiKey", "X-CG-DEMO-API-KEY", "x_cg_pro_api_key", "token", "signature",
     "access_token", "secret", "password", "appid", "auth_token", "key"],
)  # fmt: skip
def test_logins(name):
    """Their values never get into a feed file."""
    assert is_login(name)


@pytest.mark.parametrize(
    "name",
    ["keys", "token_id", "tokens", "tokenIds", "next_token", "page_token", "sort_key", "keyword",
     "author", "passenger", "design", "symbol", "partition_key", "sessions"],
)  # fmt: skip
def test_what_is_asked_for_is_not_a_login(name):
    """It stays in the feed as it is."""
    assert not is_login(name)
