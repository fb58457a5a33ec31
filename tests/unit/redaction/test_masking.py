"""A text is shown without secrets, however they are spelled."""

from __future__ import annotations

import html
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.ticklake.errors import RateLimitedError, UsageError
from include.ticklake.redaction.masking import (
    forget_all,
    holds_secret,
    mask,
    mask_secrets,
    remember,
    sanitize,
)
from tests.support.spellings import SPELLINGS


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


SECRETS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=8, max_size=60).filter(
    lambda text: text.strip() == text and not text.isalpha()
)


@pytest.mark.parametrize("spelling", SPELLINGS)
@settings(max_examples=25)
@given(secret=SECRETS)
def test_no_spelling_of_a_secret_is_left(spelling, secret):
    """Whatever its characters: nothing in the text reads as the secret any more."""
    spelled = SPELLINGS[spelling](secret)
    masked = mask_secrets(f"before <{spelled}> after", secrets=[secret])
    assert masked.startswith("before <")
    assert masked.endswith("> after")
    assert spelled not in masked
    assert not holds_secret(masked, secrets=[secret])


@given(secret=SECRETS, data=st.data())
def test_spellings_within_spellings_are_masked_too(secret, data):
    """A URL in JSON in HTML, in any order."""
    once = sorted({*SPELLINGS} - {"base64 of base64", "UTF-8 read as Latin-1"})
    names = data.draw(st.lists(st.sampled_from(once), min_size=2, max_size=3))
    spelled = secret
    for name in names:
        spelled = SPELLINGS[name](spelled)
    masked = mask_secrets(f"({spelled})", secrets=[secret])
    assert spelled not in masked
    assert not holds_secret(masked, secrets=[secret])


@pytest.mark.parametrize(
    ("secret", "text", "masked"),
    [
        pytest.param("key", "monkey, keys, key", "monkey, keys, ***", id="a short word"),
        pytest.param("k1", "k1 k12 ak1 %3Ak1%26", "*** k12 ak1 %3A***%26", id="two characters"),
        pytest.param("1", "page=1", "page=1", id="one character"),
        pytest.param("position", "positions at position", "positions at ***", id="a long word"),
        pytest.param("s3cr3t99", "xs3cr3t99x", "x***x", id="no word at all"),
        pytest.param("CorrectHorseBatteryStaple", "xcorrecthorsebatterystaplex", "x***x",
                     id="more letters than a word has"),
        pytest.param("abcdefgh12345678", "key abcdefgh123...", "key ***...", id="cut after half"),
        pytest.param("abcdefgh12345678", "key abcdefg...", "key abcdefg...", id="cut before half"),
        pytest.param("abc12", "Basic bWU6YWJjMTI=", "Basic bWU6***=", id="a short one in base64"),
        pytest.param("   ", "a   b", "a   b", id="spaces"),
        pytest.param("S3CR3T99", "https://s3cr3t99.a.b/", "https://***.a.b/", id="a host's case"),
    ],
)  # fmt: skip
def test_how_much_of_a_secret_counts_depends_on_what_it_could_be_mistaken_for(secret, text, masked):
    """A short secret is masked as a word of its own, and no word is masked for holding it."""
    assert mask_secrets(text, secrets=[secret]) == masked


def test_what_was_remembered_is_masked_everywhere_until_it_is_forgotten():
    """Also in the message of every error that is made, and in one that names its source."""
    remember("s3cr3t/canary", None, "")
    assert mask("s3cr3t%2fcanary") == "***"
    assert str(UsageError("at s3cr3t%2Fcanary")) == "at ***"
    assert RateLimitedError("s3cr3t/canary", retry_after_s=1).where == "***"
    forget_all()
    assert mask("s3cr3t/canary") == "s3cr3t/canary"


def test_each_line_of_a_private_key_is_a_secret():
    """A message shows one line of it, or all on one."""
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n"
    assert "MII" not in mask_secrets("no MIIEvQIBADANBgkqhkiG9w0B", secrets=[key])
    assert "AQE" not in mask_secrets(" ".join(key.split()), secrets=[key])


def test_a_long_text_takes_no_longer_than_it_must():
    """An error holds a few thousand characters at most; the masking of it is no wait."""
    text = "the page of https://a.b/c?x=1 ends within record 5; " * 100
    started_s = time.process_time()
    assert mask_secrets(text, secrets=["s3cr3t/canary", "another/s3cr3t"]) == text
    assert time.process_time() - started_s < 2
