"""A path of pydantic becomes a path of the file, and an option is found where it belongs."""

from __future__ import annotations

import pytest

from include.ticklake.feed.feed import Feed
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.model_options import describe_places, find_place, kinds_at
from include.ticklake.feed.paging import Cursor


@pytest.mark.parametrize(
    ("location", "names", "model"),
    [
        pytest.param(("source", "http", "path"), ("source", "path"), HttpSource, id="a kind"),
        pytest.param(("source", "http", "paging", "cursor", "cursor"),
                     ("source", "paging", "cursor"), Cursor, id="a kind called as an option"),
        pytest.param(("source", "http", "paging", "cursor", "end"),
                     ("source", "paging", "end"), Cursor, id="an option that does not exist"),
        pytest.param(("source", "http", "params", "a", "str"),
                     ("source", "params", "a"), HttpSource, id="one of several types"),
        pytest.param(("slices", "A b", "[key]"), ("slices", "A b"), Feed, id="the name itself"),
        pytest.param(("source", "http", "columns", 1), ("source", "columns", 1), HttpSource,
                     id="an item of a list"),
        pytest.param((), (), None, id="the feed"),
    ],
)  # fmt: skip
def test_kinds_and_types_are_no_names_of_the_file(location, names, model):
    """Also where a kind and an option have one name."""
    place = find_place(Feed, location)
    assert (place.names, place.model) == (names, model)


@pytest.mark.parametrize(
    ("option", "place"),
    [
        ("window", "at the top level of the file"),
        ("max_pages", "under `limits`"),
        ("query", "under `source` of kind sql"),
        ("step", "under `source.paging` of kind time_steps"),
        ("unit", "under `source.paging` of kind time_forward, time_backward, time_steps"),
        ("renamed_from", "under `fields.NAME`"),
        ("nowhere", ""),
    ],
)
def test_an_option_is_found_where_it_belongs(option, place):
    """With the kinds that have it."""
    assert describe_places(Feed, option) == place


def test_the_kinds_of_a_place_are_those_to_choose_from():
    """Of the source, and of its paging."""
    assert kinds_at(Feed, ("source",)) == ["http", "sql", "files"]
    assert kinds_at(Feed, ("source", "http", "paging"))[:2] == ["single", "newest_only"]
