"""A request shows its secrets to nobody but the source."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

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


def test_a_post_shows_its_body_without_secrets():
    """What tells one page from another; long texts are cut, and names that say so are masked."""
    request = HttpRequest(
        url="https://a.b/c",
        method="POST",
        body={"query": "query { trades }" * 9, "req": {"at": 5, "apiKey": "k3y"}, "of": ["s3cret"]},
        secret_headers={"Authorization": "Bearer s3cret"},
    )
    assert str(request) == (
        'POST https://a.b/c {"query":"query { trades }query { trades }query { ...",'
        '"req":{"at":5,"apiKey":"***"},"of":["***"]}'
    )
    assert request.sanitize("k3y s3cret") == "*** ***"
    assert "k3y" not in repr(request)
    many = HttpRequest(
        url="https://a.b/c", method="POST", form={"ids": [str(n) for n in range(999)]}
    )
    assert len(str(many)) < 400


def test_a_body_is_sent_as_json_or_as_a_form():
    """Numbers with their own digits; half of a surrogate pair as JSON can have it."""
    request = HttpRequest(
        url="https://a.b/", method="POST", body={"a": [Decimal("1.10"), "é\ud800"]}
    )
    assert request.data == '{"a":[1.10,"é\\ud800"]}'.encode()
    assert json.loads(request.data) == {"a": [1.1, "é\ud800"]}
    form = HttpRequest(url="https://a.b/", method="POST", form={"a": ["1", "é &"], "b": ""})
    assert form.data == b"a=1&a=%C3%A9+%26&b="
    assert HttpRequest(url="https://a.b/").data is None


@pytest.mark.parametrize(
    "sent",
    [{"params": {"limit": "500"}}, {"form": {"n": "500"}}, {"body": {"req": {"sizes": [1, 500]}}}],
    ids=["query", "form", "body"],
)
def test_a_number_in_the_request_is_found(sent):
    """Wherever it is sent: a page with as many records may be full."""
    request = HttpRequest(url="https://h/x?at=500", **sent)
    assert request.names_number(500)
    assert not request.names_number(50)


@pytest.mark.parametrize(
    ("sent", "data", "shown"),
    [
        pytest.param({"body": {"req": {"a": 1}}}, b'{"req":{"a":1,"key":"s3cr3t-k3y"}}',
                     '{"req":{"a":1}}', id="inside a JSON body"),
        pytest.param({}, b'{"req":{"key":"s3cr3t-k3y"}}', "", id="alone"),
        pytest.param({"form": {"a": "1"}}, b"a=1&req.key=s3cr3t-k3y", '{"a":"1"}', id="in a form"),
    ],
)  # fmt: skip
def test_a_key_in_the_body_is_sent_and_never_shown(sent, data, shown):
    """It is put there as the request is sent."""
    request = HttpRequest(
        url="https://a.example/rows", method="POST", secret_body={"req.key": "s3cr3t-k3y"}, **sent
    )
    assert request.data == data
    assert str(request) == f"POST https://a.example/rows {shown}".rstrip()
    assert "s3cr3t" not in request.sanitize("no access with s3cr3t-k3y")
    assert request.has_secrets
