"""A field takes from its feed what it does not say, where it can need it."""

from __future__ import annotations

import pytest

from include.ticklake.feed.field_defaults import field_defaults
from tests.support.feed_texts import feed

PARIS = "Europe/Paris"


def filled(field: dict[str, object]) -> dict[str, object]:
    return field_defaults("x", field, timezone=PARIS, null_values=["-"])


@pytest.mark.parametrize(
    ("field", "zone"),
    [
        ({"type": "timestamp", "unit": "iso"}, PARIS),
        ({"type": "timestamp", "format": "%Y%m%d"}, PARIS),
        ({"type": "timestamp", "format": "%Y%m%d%%z"}, PARIS),
        ({"type": "timestamp", "unit": "iso", "timezone": "UTC"}, "UTC"),
        ({"type": "timestamp", "format": "%Y%m%d %z"}, None),
        ({"type": "timestamp", "unit": "ms"}, None),
        ({"type": "date", "format": "%Y%m%d"}, None),
        ({"type": "int64"}, None),
    ],
)
def test_the_zone_of_a_source_is_that_of_its_times_without_one(field, zone):
    """Milliseconds since 1970 have none, nor have times with their own."""
    assert filled(field).get("timezone") == zone


@pytest.mark.parametrize(
    ("field", "nulls"),
    [
        ({"type": "string"}, ["-"]),
        ({"type": "string", "null_values": ["x"]}, ["x"]),
        ({"type": "string", "null_values": []}, []),
        ({"type": "json"}, None),
        ({"type": "timestamp", "from": "$fetched_at"}, None),
    ],
)
def test_a_fields_own_null_values_replace_the_feeds(field, nulls):
    """An empty list is one, too; json keeps what it is."""
    assert filled(field).get("null_values") == nulls


def test_a_path_is_the_name_unless_it_says_another():
    """As a feed file leaves it out."""
    assert filled({"type": "int64"})["from"] == "x"
    assert filled({"type": "int64", "from": "a.b"})["from"] == "a.b"


def test_a_feed_writes_them_into_its_fields():
    """So that whoever reads a value needs to know its field only."""
    at = {"type": "timestamp", "unit": "iso", "event_time": True}
    described = feed(source={"timezone": PARIS}, null_values=["-", -1], fields={"at": at})
    assert described.fields["at"].timezone == PARIS
    assert described.fields["at"].null_values == ["-", -1]
