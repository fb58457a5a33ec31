"""What a feed says of one column: where its value sits in a record, and what it is.

Types and the Parquet they become:

============== =====================================================================
``int64``      64-bit signed integer; from a JSON integer or a string of digits
``decimal(p,s)`` exact decimal of p digits, s of them after the point; p up to 76
``string``     UTF-8 text
``bool``       true or false
``timestamp``  a UTC instant; ``unit`` says how the source writes it
``json``       any JSON value, kept as its own text
============== =====================================================================
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    model_validator,
)

from include.ticklake.model.strict import PATH, StrictModel
from include.ticklake.model.times import TimeUnit

_FINER: tuple[TimeUnit, ...] = ("s", "ms", "us", "ns")

FETCHED_AT = "$fetched_at"
"""The ``from`` of a column that holds the time of fetching instead of a value of the record."""

_TYPE = re.compile(r"^(int64|string|bool|timestamp|json|decimal\(\d{1,2}, ?\d{1,2}\))$")
_DECIMAL = re.compile(r"decimal\((\d+), ?(\d+)\)")

# A column is a hive and SQL name everywhere it goes, so it is lower case and plain.
ColumnName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


def _known_type(text: str) -> str:
    if not _TYPE.fullmatch(text):
        quoted = '; put it in quotes: "decimal(18,8)"' if text.startswith("decimal(") else ""
        raise ValueError(
            f"{text!r} is not a type: int64, decimal(18,8), string, bool, timestamp, json{quoted}"
        )
    return text


def _units(given: list[TimeUnit]) -> list[TimeUnit]:
    if len(set(given)) < 2 or not set(given) <= set(_FINER):
        raise ValueError("several units are two or more of s, ms, us, ns")
    return given


class FieldSpec(StrictModel):
    """One column of the lake."""

    source: str = Field(
        "",
        alias="from",
        pattern=rf"^({re.escape(FETCHED_AT)}|{PATH})$",
        description="path of the value in a record, dots between names: quotes.USD.price; "
        "default: the column's own name. $fetched_at: the time of fetching",
    )
    type: Annotated[str, AfterValidator(_known_type)] = Field(
        json_schema_extra={"pattern": _TYPE.pattern},
        description="int64, decimal(18,8), string, bool, timestamp or json",
    )
    unit: TimeUnit | Annotated[list[TimeUnit], AfterValidator(_units)] | None = Field(
        None,
        description="how the source writes a timestamp; ms: milliseconds since 1970; [ms, us]: "
        "now one, now the other, told by the years that it leads to",
    )
    key: bool = Field(False, description="part of what makes a record unique in its slice")
    contiguous: bool = Field(
        False, description="ids that follow each other without a gap: `audit` looks for gaps"
    )
    event_time: bool = Field(False, description="when it happened: decides the window")
    required: bool | None = Field(
        None,
        description="a record without it goes to the quarantine; default: true for key and "
        "event_time",
    )
    was: list[ColumnName] = Field(
        default_factory=list,
        description="what the column was called before: files of then and now read as one table",
    )
    description: str = ""

    @model_validator(mode="after")
    def _agree(self) -> FieldSpec:
        if self.source == FETCHED_AT:
            if self.type != "timestamp" or self.unit is not None:
                raise ValueError(f"{FETCHED_AT} is a timestamp without a unit")
        elif (self.type == "timestamp") != (self.unit is not None):
            raise ValueError("a timestamp needs a unit (s, ms, us, ns, float_s, iso), others none")
        if self.contiguous and self.type != "int64":
            raise ValueError("contiguous ids must be of type int64")
        if self.event_time and self.type != "timestamp":
            raise ValueError("event_time must be a timestamp")
        if digits := self.decimal_digits:
            precision, scale = digits
            if not 1 <= precision <= 76 or scale > precision:
                raise ValueError(f"decimal({precision},{scale}): at most 76 digits, scale within")
        return self

    @property
    def units(self) -> tuple[TimeUnit, ...]:
        """How the source writes a timestamp, coarsest first; nothing for other types."""
        if isinstance(self.unit, list):
            return tuple(sorted(self.unit, key=_FINER.index))
        return (self.unit,) if self.unit else ()

    @property
    def decimal_digits(self) -> tuple[int, int] | None:
        """(precision, scale) of a decimal, None for other types."""
        found = _DECIMAL.fullmatch(self.type)
        return (int(found[1]), int(found[2])) if found else None

    @property
    def is_required(self) -> bool:
        """Whether a record without a value here goes to the quarantine."""
        return self.event_time or (self.key if self.required is None else self.required)
