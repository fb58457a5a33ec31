"""A field says of one column what it is, and contradicts itself nowhere."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from include.ticklake.feed.fields import FETCHED_AT, FieldSpec


def field(**said) -> FieldSpec:
    return FieldSpec.model_validate({"from": "x", "type": "string"} | said)


@pytest.mark.parametrize(
    "kind", ["int64", "string", "bool", "json", "decimal(18,8)", "decimal(76, 0)"]
)
def test_a_type_is_taken_as_it_is_written(kind):
    """These are all there are, with digits where they need some."""
    assert field(type=kind).type == kind


@pytest.mark.parametrize(
    "kind",
    ["", "int", "INT64", "decimal", "decimal(18)", "decimal(18,8", "decimal(0,0)", "decimal(8,18)",
     "decimal(77,0)", "decimal(-1,0)", "timestamp(ms)", "int64 "],
)  # fmt: skip
def test_other_types_are_refused(kind):
    """A near miss too."""
    with pytest.raises(ValidationError, match=r"type|digits"):
        field(type=kind)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns", "float_s", "iso"])
def test_a_timestamp_has_a_unit(unit):
    """Nothing about the clock of a source is guessed."""
    assert field(type="timestamp", unit=unit).unit == unit


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"type": "timestamp"}, id="a timestamp without unit"),
        pytest.param({"type": "int64", "unit": "ms"}, id="a unit of a number"),
        pytest.param({"type": "int64", "event_time": True}, id="an event time that is none"),
        pytest.param({"from": FETCHED_AT}, id="the time of fetching as text"),
        pytest.param(
            {"from": FETCHED_AT, "type": "timestamp", "unit": "ms"}, id="ours has no unit"
        ),
        pytest.param({"from": ".a"}, id="an empty name first"),
        pytest.param({"from": "a."}, id="an empty name last"),
        pytest.param({"from": "a b"}, id="white space"),
        pytest.param({"key": "true"}, id="text for a boolean"),
        pytest.param({"key": 1}, id="a number for a boolean"),
        pytest.param({"more": 1}, id="an unknown name"),
        pytest.param({"precision": "ms"}, id="a precision of a number"),
        pytest.param({"type": "timestamp", "unit": "us", "precision": "ms"}, id="a coarser one"),
        pytest.param({"type": "timestamp", "unit": "ms", "precision": "s"}, id="whole seconds"),
    ],
)
def test_contradictions_are_refused(said):
    """When the file is read, not in the middle of a run."""
    with pytest.raises(ValidationError):
        field(**said)


@pytest.mark.parametrize(
    ("said", "must"),
    [
        ({}, False),
        ({"required": True}, True),
        ({"key": True}, True),
        ({"type": "timestamp", "unit": "ms", "event_time": True}, True),
    ],
)
def test_keys_and_event_times_must_be_there(said, must):
    """They are required without saying so."""
    assert field(**said).is_required is must


def test_a_field_does_not_change():
    """Whoever holds a feed holds what its file says."""
    with pytest.raises(ValidationError, match="frozen"):
        field().key = True


@pytest.mark.parametrize("units", [["ms"], ["ms", "ms"], ["ms", "iso"], ["s", "float_s"], []])
def test_several_units_are_whole_numbers_since_1970(units):
    """Only those are told apart by the years that they lead to."""
    with pytest.raises(
        ValidationError, match="a list of units must hold two or more of s, ms, us, ns"
    ):
        field(type="timestamp", unit=units)


def test_several_units_come_coarsest_first():
    """However they are written."""
    assert field(type="timestamp", unit=["us", "s"]).units == ("s", "us")
    assert field(type="timestamp", unit="iso").units == ("iso",)
    assert field(type="int64").units == ()


@pytest.mark.parametrize(
    ("unit", "precision", "lake_unit"),
    [
        ("s", None, "ms"), ("ms", None, "ms"), ("us", None, "us"), ("iso", None, "ns"),
        ("ns", None, "ns"), ("float_s", None, "ns"), (["ms", "us"], None, "us"),
        ("ms", "ns", "ns"), ("iso", "us", "us"), ("iso", "ms", "ms"),
        ("float_s", "us", "us"),
    ],
)  # fmt: skip
def test_a_column_is_as_fine_as_its_unit_or_finer(unit, precision, lake_unit):
    """The precision defaults to what the unit can say."""
    spec = field(type="timestamp", unit=unit, precision=precision)
    assert spec.field_type.name == f"timestamp[{lake_unit}]"


@pytest.mark.parametrize(
    ("format_", "precision", "lake_unit"),
    [("%Y%m%d", None, "ms"), ("%Y%m%d%H%M%S%f", None, "ns"), ("%Y%m%d", "us", "us")],
)
def test_a_format_takes_the_place_of_a_unit(format_, precision, lake_unit):
    """Its column is as fine as its times can be."""
    spec = field(type="timestamp", format=format_, precision=precision)
    assert spec.field_type.name == f"timestamp[{lake_unit}]"
    assert spec.units == ()
    assert field(type="date", format="%d.%m.%Y").field_type.name == "date"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"type": "timestamp", "unit": "iso", "format": "%Y%m%d"}, "say the same; leave one out"),
        ({"type": "timestamp", "format": "%H:%M"}, "a time needs a year, a month and a day"),
        ({"type": "int64", "format": "%Y%m%d"}, "only allowed for types timestamp and date"),
        ({"type": "date", "format": "%Y%m%d%H"}, "has a time of day or an offset"),
        ({"type": "timestamp", "unit": "ms", "timezone": "Europe/Paris"}, "timezone is only allow"),
        ({"type": "date", "format": "%Y%m%d", "timezone": "UTC"}, "timezone is only allowed"),
        ({"type": "timestamp", "unit": "iso", "timezone": "Paris"}, "is not a time zone"),
        (
            {"type": "timestamp", "format": "%Y%m%d %z", "timezone": "UTC"},
            "the format reads the offset of each time; remove timezone",
        ),
        ({"from": FETCHED_AT, "type": "timestamp", "format": "%Y%m%d"}, "without a unit"),
        ({"type": "json", "null_values": ["-"]}, "null_values are not for type json"),
        ({"null_values": [None]}, "null is null already; remove it"),
        ({"null_values": [True]}, "must be a text or a number"),
        ({"null_values": "NaN"}, "list"),
    ],
)
def test_options_of_times_and_nulls_go_together_or_are_refused(said, message):
    """In words that say what to do."""
    with pytest.raises(ValidationError, match=message):
        field(**said)
