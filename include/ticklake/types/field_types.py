"""The table of field types: everything that depends on a type asks here.

================= ======================================= ==================================
in a feed file    in the lake                             written by the source as
================= ======================================= ==================================
``int64``         int64                                   number or text
``decimal(p,s)``  decimal128, decimal256 over 38 digits   number or text
``double``        float64                                 number or text
``string``        string                                  text
``bool``          bool                                    true or false
``timestamp``     timestamp, UTC: see ``timestamp.py``    number or text, as ``unit`` says
``date``          date32                                  text
``json``          string: the value's own text            anything
================= ======================================= ==================================
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from include.ticklake.errors import did_you_mean
from include.ticklake.model.times import TimeUnit
from include.ticklake.types.boolean import BooleanType
from include.ticklake.types.date import DateType
from include.ticklake.types.decimal import DecimalType
from include.ticklake.types.double import DoubleType
from include.ticklake.types.field_type import FieldType
from include.ticklake.types.integer import IntegerType
from include.ticklake.types.json import JsonType
from include.ticklake.types.text import TextType
from include.ticklake.types.timestamp import TimestampType

if TYPE_CHECKING:
    import pyarrow as pa

FIELD_TYPES: tuple[type[FieldType], ...] = (
    IntegerType,
    DecimalType,
    DoubleType,
    TextType,
    BooleanType,
    TimestampType,
    DateType,
    JsonType,
)

PATTERN = f"^({'|'.join(field_type.pattern for field_type in FIELD_TYPES)})$"
"""Every spelling of a type in a feed file."""

EXAMPLES = tuple(field_type.example for field_type in FIELD_TYPES)


def from_spelling(spelling: str, units: Sequence[TimeUnit] = ()) -> FieldType:
    """The type that a feed file spells so; ``ValueError`` for anything else."""
    return _from_spelling(spelling, tuple(units))


@lru_cache(4_096)  # read for every field of every unit
def _from_spelling(spelling: str, units: tuple[TimeUnit, ...]) -> FieldType:
    for field_type in FIELD_TYPES:
        if match := re.fullmatch(field_type.pattern, spelling):
            return field_type.from_spelling(match, units)
    if spelling.startswith("decimal("):
        raise ValueError(f'{spelling!r} is not a type; write it in quotes, as "decimal(18,8)"')
    raise ValueError(
        f"{spelling!r} is not a type: {', '.join(EXAMPLES)}{did_you_mean(spelling, EXAMPLES)}"
    )


def of_arrow(arrow_type: pa.DataType) -> type[FieldType] | None:
    """The type whose columns are of *arrow_type*; None where no type's are."""
    return next((kind for kind in FIELD_TYPES if kind.is_type_of(arrow_type)), None)
