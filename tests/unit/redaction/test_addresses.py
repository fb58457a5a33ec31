"""What of an address is secret by its place is not shown."""

from __future__ import annotations

import pytest

from include.ticklake.redaction.addresses import is_secret, mask_addresses, redact_url


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
    ("text", "masked"),
    [
        pytest.param("at https://me:pw@a.b/c: no", "at https://***@a.b/c: no", id="a login"),
        pytest.param("'https://t0ken@a.b/c'", "'https://***@a.b/c'", id="a user, maybe a token"),
        pytest.param("s3://AKIA:a/b+c@bucket/x", "s3://***@bucket/x", id="a slash in a password"),
        pytest.param("s3:/AKIA:sec@bucket", "s3:/***@bucket", id="a slash missing"),
        pytest.param("s3:AKIA:sec@bucket", "s3:***@bucket", id="both slashes missing"),
        pytest.param("http://a.b:80/c@d", "http://a.b:80/c@d", id="a port, and an @ in the path"),
        pytest.param("http://[::1]:80/c@d", "http://[::1]:80/c@d", id="an address of IPv6"),
        pytest.param("05:12:13 a@b", "05:12:13 a@b", id="a time and an address of mail"),
        pytest.param("<mailto:a@b>", "<mailto:a@b>", id="mailto"),
        pytest.param("x.yaml:3:5: /c?token=s&n=1", "x.yaml:3:5: /c?token=***&n=1", id="a token"),
        pytest.param("(https://a.b/#token=s)", "(https://a.b/#token=***)", id="behind #"),
        pytest.param("/c?token=s: no; /d", "/c?token=***: no; /d", id="in a sentence"),
        pytest.param("https://a.b/c?x=1&sig=s%2F", "https://a.b/c?x=1&sig=***", id="a signature"),
        pytest.param("set key=value & more=1", "set key=value & more=1", id="no address"),
    ],
)  # fmt: skip
def test_addresses_within_a_text_keep_all_but_their_secrets(text, masked):
    """Errors of libraries and refused arguments repeat them."""
    assert mask_addresses(text) == masked
