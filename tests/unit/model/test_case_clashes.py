"""What differs by case only is found, wherever in a path the difference is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.model.case_clashes import case_clashes, name_clashes


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        pytest.param(["a", "b", "a"], [], id="apart, or the same"),
        pytest.param(["interval=1m", "interval=1M"], [("interval=1m", "interval=1M")], id="names"),
        pytest.param(["x/1m/a", "x/1M/a", "x/1M/b"], [("x/1m", "x/1M")], id="folders, told once"),
        pytest.param(["x/a", "y/A"], [], id="in different folders"),
        pytest.param(["a/b", "A"], [("a", "A")], id="a folder and a file"),
        pytest.param(["straße", "STRASSE"], [("straße", "STRASSE")], id="letters that fold to two"),
        pytest.param(["m", "M", "m"], [("m", "M")], id="columns"),
    ],
)
def test_pairs_that_differ_by_case_only(paths, found):
    """As deep as the difference, each once."""
    assert list(case_clashes(paths)) == found


@given(st.lists(st.lists(st.sampled_from("aAbB"), min_size=1, max_size=3).map("/".join)))
def test_none_is_found_exactly_where_folding_loses_none(paths):
    """Whatever the paths: what is silent is safe."""
    places = {path.rsplit("/", n)[0] for path in paths for n in range(path.count("/") + 1)}
    safe = len({place.casefold() for place in places}) == len(places)
    assert (list(case_clashes(paths)) == []) is safe


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        pytest.param(["a", "b"], [], id="distinct"),
        pytest.param(["a", "A", "a"], [("a", "A"), ("a", "a")], id="by case, and equal"),
        pytest.param(["x/a", "X/b"], [], id="a slash is a character like any other"),
    ],
)
def test_names_that_are_equal_or_differ_by_case_only(names, pairs):
    """Names of columns, feeds and values: a repeated one clashes, too."""
    assert list(name_clashes(names)) == pairs
