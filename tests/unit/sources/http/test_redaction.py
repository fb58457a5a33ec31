"""URLs and texts are shown without secrets, in any spelling."""

from __future__ import annotations

import html
import json

import pytest

from include.ticklake.sources.http.redaction import (
    is_secret,
    mask_secrets,
    redact_url,
    resolve_url,
    sanitize,
)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("https://a.b/c?x=1&y=2", "https://a.b/c?x=1&y=2", id="nothing secret"),
        pytest.param("https://me:pw@a.b:8/c", "https://a.b:8/c", id="user and password"),
        pytest.param("https://a.b/?apiKey=s&x=1", "https://a.b/?apiKey=***&x=1", id="a key"),
        pytest.param("https://a.b/?TOKEN=s", "https://a.b/?TOKEN=***", id="a token"),
        pytest.param("https://a.b/?X-Amz-Signature=s&X-Amz-Credential=c",
                     "https://a.b/?X-Amz-Signature=***&X-Amz-Credential=***", id="a signed one"),
        pytest.param("https://a.b/?passphrase=s&sessionid=1", "https://a.b/?passphrase=***&sessionid=***",
                     id="a phrase and a session"),
        pytest.param("https://a.b/?x=&key=", "https://a.b/?x=&key=***", id="empty values"),
        pytest.param("https://a.b/c#key=s", "https://a.b/c", id="a fragment"),
    ],
)  # fmt: skip
def test_addresses_are_shown_without_their_secrets(url, shown):
    """Whatever stands where names are that mean a secret."""
    assert redact_url(url) == shown


def test_a_url_that_is_invalid_is_not_shown():
    """It may be a secret as a whole."""
    assert redact_url("http://[s3cret") == "(an invalid URL)"


@pytest.mark.parametrize(
    ("name", "secret"),
    [("apiKey", True), ("X-Auth-Token", True), ("symbol", False), ("limit", False)],
)
def test_a_name_says_whether_its_value_may_be_secret(name, secret):
    """In any case, as a part of a word, too."""
    assert is_secret(name) is secret


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a b/c", id="plain"),
        pytest.param("a%20b%2Fc", id="quoted"),
        pytest.param("a+b%2Fc", id="quoted as in a query"),
        pytest.param("a%20b%2fc", id="quoted in small letters"),
        pytest.param("a%20b/c", id="quoted as in a path"),
        pytest.param("a b\\/c", id="escaped as in JSON"),
    ],
)
def test_a_secret_is_masked_in_every_form(text):
    """As it is, and as a URL writes it."""
    assert mask_secrets(f"<{text}>", secrets=["a b/c"]) == "<***>"


def test_a_secret_is_masked_in_json_and_html():
    """As an error may repeat it."""
    secret = 'é"<&'
    assert mask_secrets(json.dumps([secret]), secrets=[secret]) == '["***"]'
    assert mask_secrets(f"<b>{html.escape(secret)}</b>", secrets=[secret]) == "<b>***</b>"


def test_the_second_half_of_a_header_is_a_secret_too():
    """A source may repeat a bearer token alone."""
    assert mask_secrets("no user t0ken", secrets=["Bearer t0ken"]) == "no user ***"
    assert mask_secrets("nothing", secrets=[""]) == "nothing"


def test_a_text_is_one_short_line():
    """Without control characters, at most 200 characters."""
    assert sanitize("a\n\tb\x1b[31m  c", secrets=[]) == "a b [31m c"
    assert len(sanitize("x" * 999, secrets=[])) == 200


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("/b?x=1", "https://a.b/b?x=1"),
        ("?x=1", "https://a.b/c?x=1"),
        ("https://d.e/f", "https://d.e/f"),
        ("http://[", None),
    ],
)
def test_a_reference_is_resolved_against_the_url_it_came_from(reference, url):
    """None if it is not a URL."""
    assert resolve_url("https://a.b/c?y=2", reference) == url
