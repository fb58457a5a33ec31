"""The table of types is complete and consistent: every type answers every question."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from include.ticklake.feed.fields import FieldSpec
from include.ticklake.model.times import TimeUnit
from include.ticklake.publish import ddl
from include.ticklake.types import field_types
from include.ticklake.types.field_type import FieldType, TimeLimits
from tests.conftest import REPOSITORY

LIMITS = TimeLimits(years=(2009, 2100), first_s=0, end_s=2**40, is_event_time=False)
UNITS: list[tuple[TimeUnit, ...]] = [("s",), ("us",), ("ns",), ("iso",), ("float_s",), ("ms", "us")]


def instances() -> list[FieldType]:
    """Each type, with several parameters where it has some."""
    spelled = [field_types.from_spelling(example) for example in field_types.EXAMPLES]
    return [
        *spelled,
        field_types.from_spelling("decimal(76, 20)"),
        *(field_types.from_spelling("timestamp", units) for units in UNITS),
    ]


@pytest.mark.parametrize("field_type", instances(), ids=lambda one: f"{one!r}")
def test_a_type_answers_every_question(field_type):
    """Its names in other programs, its Arrow types, and itself in the table."""
    assert field_type.name
    names = field_type.engine_names()
    assert eval(names.pyarrow, {"pa": pa}) == field_type.arrow_type()  # noqa: S307 - our own
    for engine in [*ddl.ENGINES, "polars"]:
        assert getattr(names, engine) or names.notes[engine]
    assert isinstance(field_type.iceberg_arrow_type(), pa.DataType)
    assert field_type.widens_from(field_type.name, LIMITS)
    assert field_types.of_arrow(field_type.arrow_type()) is not None


@pytest.mark.parametrize("field_type", field_types.FIELD_TYPES)
def test_a_spelling_belongs_to_one_type(field_type):
    """The pattern of the schema takes it, and so does no other type."""
    matching = [
        other for other in field_types.FIELD_TYPES
        if re.fullmatch(other.pattern, field_type.example)
    ]  # fmt: skip
    assert matching == [field_type]
    assert re.search(field_types.PATTERN, field_type.example)


@pytest.mark.parametrize("field_type", field_types.FIELD_TYPES)
def test_a_type_is_documented(field_type):
    """With a row in the table of docs/how-to/add-a-source.md."""
    page = (REPOSITORY / "docs" / "how-to" / "add-a-source.md").read_text(encoding="utf-8")
    spelling = field_type.example.replace("18,8", "p,s")
    assert f"\n| `{spelling}` |" in page


def test_arrow_types_that_no_field_has_are_none():
    """Such as lists."""
    assert field_types.of_arrow(pa.list_(pa.int64())) is None


def test_a_field_has_its_type_with_the_units_of_its_source():
    """The coarsest first."""
    field = FieldSpec.model_validate({"from": "t", "type": "timestamp", "unit": ["us", "s"]})
    assert field.field_type == field_types.from_spelling("timestamp", ("s", "us"))
    assert field.field_type.name == "timestamp[us]"
