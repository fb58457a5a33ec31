"""A login names its connection, and what its kind needs besides."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from include.ticklake.feed.auth import Auth, credential_names, fill_credentials

OAUTH = {"kind": "oauth2", "token_url": "https://auth.example.com/token"}


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        ({"kind": "header"}, "name or headers is required for kind header"),
        ({"kind": "header", "name": "X", "headers": {"Y": "{login}"}}, "and one of them only"),
        ({"kind": "query"}, "name is required for kind query"),
        ({"kind": "basic", "name": "x"}, "is only for kind header or query"),
        ({"kind": "query", "headers": {"Y": "{login}"}}, "is only for kind header"),
        ({"kind": "header", "headers": {"X": "abc"}}, "'abc' names nothing of the connection"),
        ({"kind": "header", "headers": {"X": "{a} {b-c}"}}, "names nothing of the connection"),
        ({"kind": "sign"}, "signer is required"),
        ({"kind": "bearer", "signer": "a:b"}, "is only for kind sign"),
        ({"kind": "body"}, "name is required for kind body"),
        ({"kind": "oauth2"}, "token_url is required"),
        ({"kind": "bearer", "token_url": "/token"}, "is only for kind oauth2"),
        ({"kind": "bearer", "secret_in": "body"}, "is only for kind oauth2"),
        (OAUTH | {"token_url": "auth.example.com/token"}, "is not an address"),
        (OAUTH | {"token_url": "//auth.example.com/token"}, "is not an address"),
        (OAUTH | {"token_url": "https://me:pw@a.example/token"}, "must be scheme and host only"),
        (OAUTH | {"token_url": "/../token"}, "leads elsewhere by its dots"),
        (OAUTH | {"token_url": "https://a.example/to ken"}, "is not an address"),
    ],
    ids=str,
)  # fmt: skip
def test_a_login_has_the_options_of_its_kind(auth, message):
    """One that is missing, or that would be ignored, is a mistake."""
    with pytest.raises(ValidationError, match=message):
        Auth.model_validate({"connection": "acme"} | auth)


@pytest.mark.parametrize(
    "auth",
    [
        {"kind": "header", "headers": {"X-Key": "{login}", "X-Pass": "Token {passphrase}"}},
        OAUTH | {"token_params": {"scope": "read"}, "secret_in": "body"},
        OAUTH | {"token_url": "/oauth/token"},
        OAUTH | {"token_url": "https://a.example:8443/x?tenant=1"},
    ],
    ids=str,
)
def test_a_login_that_says_all_is_taken(auth):
    """Two headers at once; tokens of another host, or of the same."""
    assert Auth.model_validate({"connection": "acme"} | auth).kind == auth["kind"]


def test_headers_are_filled_with_what_they_name():
    """A name that the connection does not have is reported by itself."""
    assert credential_names("{login}:{key}") == ["login", "key"]
    assert fill_credentials("a {login}:{key}", {"login": "{key}", "key": "k"}) == "a {key}:k"
    with pytest.raises(KeyError, match="key"):
        fill_credentials("{key}", {"login": "x"})
