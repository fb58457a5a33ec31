"""Parameters and bodies are filled: as texts, as numbers, or left out."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import UsageError
from include.ticklake.feed.placeholders import placeholder_names
from include.ticklake.feed.sent_values import render_body, render_param
from include.ticklake.feed.window_values import RequestValues
from include.ticklake.model.param_values import texts
from include.ticklake.model.window import Window

WINDOW = Window.parse("20261122T050000Z-20261122T060000Z")
VALUES = RequestValues({"symbol": "A", "pool": "7", "none": ""}, WINDOW)


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
        ("{last_float_s}", Decimal("1795327199.999999999")), ("{start:%Y}", "2026"),
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
