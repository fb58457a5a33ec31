"""A request goes to the address that the feed says, whatever the values of a slice."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import UsageError
from include.ticklake.feed.address import check_base_url, check_path, render_path

VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.text(alphabet="./%2eE?#;\\ ", max_size=6),
)


@pytest.mark.parametrize("url", ["https://api.example.com", "http://[::1]:8080", "HTTPS://a.b/"])
def test_a_base_url_is_scheme_and_host(url):
    """A slash at the end makes no difference."""
    assert check_base_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    ["", "api.example.com", "ftp://a.b", "https://", "https:/a.b", "https://a b", "http://a:x",
     "http://a:99999", "http://[::1", "https://{symbol}.b", "//a.b", "https://a.b\n"],
)  # fmt: skip
def test_other_addresses_are_refused_with_an_example(url):
    """In plain words, whatever is wrong with it."""
    with pytest.raises(ValueError, match="is not an address; write scheme and host: https://api"):
        check_base_url(url)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("rows", "'rows' does not begin with a slash; write '/rows'"),
        ("", "'' does not begin with a slash; write '/'"),
        ("/a b", "a path cannot hold ' '; write it as %20"),
        ("/a#b", "a path cannot hold '#'; write it as %23"),
        ("/a\\b", "a path cannot hold '\\\\'; write it as %5C"),
        ("/a/../b", "'/a/../b' leads elsewhere by its dots"),
        ("/a/%2E%2e", "'/a/%2E%2e' leads elsewhere by its dots"),
        ("/./a", "'/./a' leads elsewhere by its dots"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(path, message):
    """Clients cut a fragment off, and follow dots."""
    with pytest.raises(ValueError, match=re.escape(message)):
        check_path(path)


@pytest.mark.parametrize(
    ("value", "rendered"),
    [
        ("a/b", "/x/a%2Fb/rows"), ("%2e%2e", "/x/%252e%252e/rows"), ("?", "/x/%3F/rows"),
        ("#", "/x/%23/rows"), (";", "/x/%3B/rows"), ("\\", "/x/%5C/rows"), ("ä", "/x/%C3%A4/rows"),
        ("\n", "/x/%0A/rows"), (" ", "/x/%20/rows"), ("...", "/x/.../rows"),
        ("../y", "/x/..%2Fy/rows"),
    ],
)  # fmt: skip
def test_a_value_that_would_change_the_path_is_escaped(value, rendered):
    """It stays in its segment."""
    assert render_path("/x/{symbol}/rows", {"symbol": value}) == rendered


@pytest.mark.parametrize("value", ["..", ".", ""])
@pytest.mark.parametrize("path", ["/x/{symbol}/rows", "/x/{symbol}", "/{symbol}"])
def test_dots_and_nothing_are_refused(path, value):
    """They cannot be escaped: %2e%2e leads where .. does."""
    with pytest.raises(UsageError, match=r"would become .*, another path; change that value"):
        render_path(path, {"symbol": value})


@given(VALUES, VALUES)
def test_a_requested_path_has_the_templates_segments(first, second):
    """Whatever the values: as many segments, and each holds what it is meant to hold."""
    try:
        rendered = render_path("/v1/{a}/x{b}/{a}-{b}", {"a": first, "b": second})
    except UsageError:
        return
    assert [unquote(segment) for segment in rendered.split("/")] == [
        "", "v1", first, f"x{second}", f"{first}-{second}",
    ]  # fmt: skip
    assert not {".", ".."} & {unquote(segment) for segment in rendered.split("/")}
