"""Requests get their slice and their window by name."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import FeedFileError
from include.ticklake.feed.placeholders import (
    check_body_text,
    check_placeholders,
    is_template,
    placeholder_names,
    render,
)


@given(
    st.dictionaries(st.from_regex(r"[a-z_]{1,5}", fullmatch=True), st.text(max_size=5), min_size=1)
)
def test_values_are_put_in_as_they_are(values):
    """Braces in a value are not filled again."""
    text = "/".join(f"{{{name}}}" for name in values)
    assert render(text, values) == "/".join(values.values())
    assert placeholder_names(text) == values.keys()


def test_an_unknown_name_is_refused():
    """With the names that are known."""
    with pytest.raises(
        FeedFileError, match=r"unknown placeholder 'symbl' in .*; known: end_iso, symbol"
    ):
        render("{symbl}", {"symbol": "A", "end_iso": "x"})


KNOWN = ("symbol", "start_ms", "start_date")


@pytest.mark.parametrize(
    "text",
    [
        "{symbol}", "{start_ms}-{symbol:d}", "{start:%Y-%m-%d %H:%M:%S}", "{last@Asia/Seoul:%H}",
        "{start_date}", "{start_date@Europe/Berlin}", "{end@UTC:%Y%m%d}T{end:%H}", "{start_ms:s}",
        '{"of": {"s": "{symbol}", "t": "{start:%Y}"}}',
    ],
)  # fmt: skip
def test_a_placeholder_may_say_how_it_is_written(text):
    """A time in a format and a zone, a number of a body as text, a text as a number."""
    check_placeholders(text, KNOWN, has_times=True)
    check_body_text(text, KNOWN)
    assert is_template(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{symbl}", "unknown placeholder 'symbl' in '{symbl}'; did you mean 'symbol'?"),
        ("{start}", "unknown placeholder 'start' in '{start}'; say in which form: "
                    "{start:%Y-%m-%d}, {start_ms}"),
        ("{start:%Q}", "{start:%Q}: '%Q' is not a word of a format: %Y"),
        ("{start:100%}", "{start:100%}: '%' is not a word of a format"),
        ("{start@Mars/Base:%Y}", "{start@Mars/Base:%Y}: 'Mars/Base' is not a time zone"),
        ("{start@Asia/Seoul}", "{start@Asia/Seoul}: it needs a format"),
        ("{start@Asia/Seoul:%H %Z}", "%Z says UTC, whatever the zone"),
        ("{start_date:%Y}", "{start_date:%Y}: a date has its format; write {start:...}"),
        ("{symbol:%Y}", "'{symbol:%Y}' in '{symbol:%Y}' is not a time, and takes no format"),
        ("{start_ms@UTC}", "'{start_ms@UTC}' in '{start_ms@UTC}' is not a time"),
        ("{start:YYYY}", "'{start:YYYY}' in '{start:YYYY}' is not a placeholder, which is a name "
                         "in braces, for a time with a format: {start:%Y-%m-%d}; known: {symbol}"),
    ],
)  # fmt: skip
def test_a_placeholder_that_says_nothing_is_refused(text, message):
    """With what to write instead."""
    with pytest.raises(ValueError, match=re.escape(message)):
        check_placeholders(text, KNOWN, has_times=True)


@pytest.mark.parametrize("text", ["{start:%Y}", "{start@UTC:%Y}", "{symbol:%Y}", "{symbol@UTC}"])
def test_a_text_that_is_no_request_has_no_times(text):
    """A candle's length, the address of a file: there a format would be filled by nobody."""
    with pytest.raises(ValueError, match=r"unknown placeholder 'start'|takes no format"):
        check_placeholders(text, KNOWN)


@pytest.mark.parametrize(
    "text", ["{ trades { id } }", "query($a: Int) { t(a: {b:$a}) { id } }", "a{b:c}", "{", "}{"]
)
def test_a_text_with_braces_of_its_own_is_no_template(text):
    """GraphQL is sent as it is; in a parameter it is a mistake."""
    assert not is_template(text)
    check_body_text(text, KNOWN)
    with pytest.raises(ValueError, match=r"is not a placeholder|unknown placeholder"):
        check_placeholders(text, KNOWN, has_times=True)


def test_a_placeholder_in_graphql_is_refused():
    """It would be sent as it is written, and find nothing."""
    with pytest.raises(ValueError, match="is not filled in, since the text has other braces"):
        check_body_text('{ trades(s: "{symbol}") { id } }', KNOWN)
