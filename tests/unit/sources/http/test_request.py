"""A request shows its secrets to nobody but the source."""

from __future__ import annotations

from include.ticklake.sources.http.request import HttpRequest


def test_a_request_shows_no_secret():
    """Neither for people nor in a debugger's line."""
    request = HttpRequest(
        url="https://a.b/c",
        params={"symbol": "X", "api_key": "s3cret"},
        secret_params={"appid": "s3cret"},
        secret_headers={"Authorization": "Bearer s3cret"},
    )
    assert str(request) == "https://a.b/c?symbol=X&api_key=***"
    assert "appid" not in repr(request)


def test_the_secrets_of_a_request_are_masked_in_what_the_source_says():
    """Its own parameters, what was added on sending, and what that was made of."""
    request = HttpRequest(
        url="https://a.b/c",
        params={"api_key": "k1", "symbol": "X"},
        secret_headers={"Authorization": "Basic bWU6czM="},
        login_secret="s3",
    )
    text = "k1 and bWU6czM= and s3\nfor X"
    assert request.mask_secrets(text) == "*** and *** and ***\nfor X"
    assert request.sanitize(text) == "*** and *** and *** for X"


def test_the_secrets_of_an_address_are_masked_too():
    """A short value is not: it would be cut out of every word."""
    request = HttpRequest(url="https://a.b/c?apikey=s3cret%2F1&key=1&symbol=XBTUSD")
    assert request.has_secrets
    assert request.sanitize("s3cret/1 for 1 XBTUSD") == "*** for 1 XBTUSD"
    assert HttpRequest(url="https://[").sanitize("a") == "a"
