"""A name that a field reads, or that the feed ignores, is not reported."""

from __future__ import annotations

import pytest

from include.ticklake.feed.read_names import read_names, still_unknown
from tests.support.feed_texts import SMALL, feed

FOUND = ("fee", "info.rank", "info.size", "meta")


@pytest.mark.parametrize(
    ("fields", "ignore", "unknown"),
    [
        pytest.param({}, [], FOUND, id="as it was found"),
        pytest.param({"fee": {"type": "double"}}, [], FOUND[1:], id="a field was added"),
        pytest.param({"rank": {"from": "info.rank", "type": "int64"}}, [],
                     ("fee", "info.size", "meta"), id="a field inside an object was added"),
        pytest.param({"info": {"type": "json"}}, [], ("fee", "meta"), id="the object is read"),
        pytest.param({}, ["info.*", "fee"], ("meta",), id="names are ignored"),
        pytest.param({"inner": {"from": "meta.x", "type": "json"}}, [], FOUND,
                     id="something inside is read"),
    ],
)  # fmt: skip
def test_after_a_field_was_added_its_name_is_not_reported(fields, ignore, unknown):
    """The manifest has the names of when the records were fetched."""
    assert still_unknown(feed(fields=SMALL["fields"] | fields, ignore=ignore), FOUND) == unknown


def test_the_names_of_columns_are_read():
    """Records that are arrays get their names from the feed itself."""
    assert set(read_names(feed(source={"columns": ["t", "id", "size?"]}))) == {"t", "id", "size"}


def test_a_value_of_an_array_is_known_once_columns_reach_it():
    """It was reported by its position, and has a name of its own now."""
    grown = feed(source={"columns": ["t", "id", "size"]})
    assert still_unknown(grown, ["column_3", "column_4"]) == ("column_4",)
