"""Requests get their slice and their window by name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import FeedFileError, UsageError
from include.ticklake.feed.placeholders import (
    WINDOW_NAMES,
    placeholder_names,
    render,
    render_body,
    render_param,
    window_values,
)
from include.ticklake.model.param_values import texts
from include.ticklake.model.times import UNIT_NS
from include.ticklake.model.window import Window

WINDOW = Window.parse("20261122T050000Z-20261122T060000Z")


def test_every_name_of_a_window_has_a_value_and_no_other():
    """What feeds are checked against is what requests are filled with."""
    assert window_values(WINDOW).keys() == WINDOW_NAMES


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        pytest.param("{start_s}", "1795323600", id="seconds"),
        pytest.param("{end_ms}", "1795327200000", id="the first instant after"),
        pytest.param("{last_ms}", "1795327199999", id="the last instant inside"),
        pytest.param("{before_us}", "1795323599999999", id="the last instant before"),
        pytest.param("{last_ns}", "1795327199999999999", id="nanoseconds"),
        pytest.param("{start_iso}/{end_iso}", "2026-11-22T05:00:00Z/2026-11-22T06:00:00Z",
                     id="ISO"),
        pytest.param("/x", "/x", id="nothing to fill"),
        pytest.param("{}{ start_s}{start-s}", "{}{ start_s}{start-s}", id="no names"),
    ],
)  # fmt: skip
def test_the_bounds_of_a_window_are_filled_in(text, filled):
    """In every unit, both ends, inclusive and exclusive."""
    assert render(text, window_values(WINDOW)) == filled


@given(hour=st.integers(0, 1_000_000), unit=st.sampled_from(sorted(UNIT_NS)))
def test_bounds_agree_between_units(hour, unit):
    """They are integers of one clock; the window ends where the next one starts."""
    start = datetime.fromtimestamp(hour * 3600, UTC)
    values = window_values(Window(start, datetime.fromtimestamp((hour + 1) * 3600, UTC)))
    per_s = 10**9 // UNIT_NS[unit]
    assert int(values[f"start_{unit}"]) == hour * 3600 * per_s
    assert int(values[f"end_{unit}"]) == (hour + 1) * 3600 * per_s
    assert int(values[f"last_{unit}"]) == int(values[f"end_{unit}"]) - 1
    assert int(values[f"before_{unit}"]) == int(values[f"start_{unit}"]) - 1


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


VALUES = {"symbol": "A", "pool": "7", "none": ""} | window_values(WINDOW)


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("{symbol}-x", "A-x"), (5, "5"), (0.5, "0.5"), (True, "true"), ("", ""),
        (["{symbol}", 1, "{none}"], ["A", "1"]), (["{none}"], None), ([], None), (None, None),
        ("{none}", None), ("x{none}", "x"), ("{start_ms}", "1795323600000"),
    ],
    ids=str,
)  # fmt: skip
def test_a_parameter_is_a_text_or_a_list_of_them(value, sent):
    """One that its values leave empty is left out, as null is; an empty text of a feed is sent."""
    assert render_param(value, VALUES) == sent


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("{start_ms}", 1_795_323_600_000), ("{start_ms:s}", "1795323600000"),
        ("from {start_ms}", "from 1795323600000"), ("{start_iso}", "2026-11-22T05:00:00Z"),
        ("{pool}", "7"), ("{pool:d}", 7), ("{symbol}", "A"), (5, 5), (0.5, 0.5), (None, None),
        ({"a": [{"b": "{symbol}", "c": "{none}"}, "{none}"]}, {"a": [{"b": "A"}]}),
        ({"a": "{none:d}"}, {}), ({"a": ""}, {"a": ""}),
        ("{ trades { id } }", "{ trades { id } }"), ('{"s": "{symbol}"}', '{"s": "A"}'),
    ],
    ids=str,
)  # fmt: skip
def test_a_body_has_numbers_where_a_text_is_one_of_the_window(value, sent):
    """As APIs with a JSON body want times; :s and :d say it otherwise."""
    assert render_body(value, VALUES) == sent


def test_a_value_that_is_to_be_a_number_and_is_none_is_refused():
    """Rather than sent as a text, which a source may read as nothing."""
    with pytest.raises(UsageError, match="would send 'A', which is not a whole number"):
        render_body({"a": "{symbol:d}"}, VALUES)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("abc:%{}", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
)


@given(JSON.filter(lambda value: all(is_plain(text) for _, text in texts(value))))
def test_what_has_no_placeholder_is_sent_as_it_is_written(value):
    """Whatever it is."""
    assert render_body(value, VALUES) == value


def is_plain(text: str) -> bool:
    return not placeholder_names(text)
