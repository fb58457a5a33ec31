"""``decimal(p,s)``: an exact decimal of p digits, s of them after the point; p up to 76."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Self

from include.ticklake.model.times import TimeUnit
from include.ticklake.types.field_type import (
    MAX_SQL_DIGITS,
    Dictionary,
    EngineNames,
    FieldType,
    TimeLimits,
)
from include.ticklake.types.reading import Kind, Reading
from include.ticklake.types.values import EXACT, Value, scaled_integer

if TYPE_CHECKING:
    import pyarrow as pa


_MAX_DIGITS = 76
_INT64_DIGITS = 19
_NAME = re.compile(r"decimal\((\d+),(\d+)\)")
_ENGINES = ("athena", "duckdb", "spark", "trino", "polars")


@dataclass(frozen=True, slots=True)
class DecimalType(FieldType):
    """``decimal(18,8)``."""

    precision: int
    scale: int

    pattern: ClassVar[str] = r"decimal\((\d{1,2}), ?(\d{1,2})\)"
    example: ClassVar[str] = "decimal(18,8)"
    dictionary: ClassVar[Dictionary] = "if_smaller"

    @classmethod
    def from_spelling(cls, match: re.Match[str], units: tuple[TimeUnit, ...]) -> Self:
        """A decimal of at most 76 digits."""
        precision, scale = int(match[1]), int(match[2])
        if not 1 <= precision <= _MAX_DIGITS or scale > precision:
            raise ValueError(
                f"decimal({precision},{scale}) is out of range; use at most {_MAX_DIGITS} digits, "
                "and no more decimal places than digits"
            )
        return cls(precision, scale)

    @property
    def name(self) -> str:
        """``decimal(18,8)``."""
        return f"decimal({self.precision},{self.scale})"

    def arrow_type(self) -> pa.DataType:
        """128 bits, or 256 for more than 38 digits."""
        import pyarrow as pa

        wide = self.precision > MAX_SQL_DIGITS
        return (pa.decimal256 if wide else pa.decimal128)(self.precision, self.scale)

    def parse_value(self, value: object, limits: TimeLimits) -> Decimal:
        """The number with every digit; never rounded."""
        units = scaled_integer(value, digits=self.precision, scale=self.scale, type_name=self.name)
        return Decimal(units).scaleb(-self.scale, context=EXACT)

    def reading(self, limits: TimeLimits) -> Reading:
        """With every digit."""
        return Reading(kind=Kind.DECIMAL, digits=self.precision, scale=self.scale)

    def widens_from(self, old: str, limits: TimeLimits) -> bool:
        """From decimals with as many digits or fewer on both sides of the point, and int64."""
        if old == "int64":
            precision, scale = _INT64_DIGITS, 0
        elif match := _NAME.fullmatch(old):
            precision, scale = int(match[1]), int(match[2])
        else:
            return False
        return self.precision - self.scale >= precision - scale and self.scale >= scale

    def format_value(self, value: Value) -> str:
        """Without an exponent."""
        return f"{value:f}"

    def engine_names(self) -> EngineNames:
        """More than 38 digits only Arrow has."""
        width = self.arrow_type().bit_width
        pyarrow = f"pa.decimal{width}({self.precision}, {self.scale})"
        if self.precision > MAX_SQL_DIGITS:
            return EngineNames(
                athena=None,
                duckdb=None,
                spark=None,
                trino=None,
                polars=None,
                pyarrow=pyarrow,
                iceberg="string",
                notes={
                    engine: f"has {self.precision} digits, {engine} has {MAX_SQL_DIGITS}: read it "
                    "with pyarrow or pandas"
                    for engine in _ENGINES
                },
            )
        return EngineNames(
            athena=self.name,
            duckdb=self.name.upper(),
            spark=self.name,
            trino=self.name,
            polars=f"pl.Decimal({self.precision}, {self.scale})",
            pyarrow=pyarrow,
            iceberg=self.name,
        )

    def iceberg_arrow_type(self) -> pa.DataType:
        """Text where Iceberg has too few digits."""
        import pyarrow as pa

        return pa.string() if self.precision > MAX_SQL_DIGITS else self.arrow_type()

    @staticmethod
    def is_type_of(arrow_type: pa.DataType) -> bool:
        """Of any width."""
        import pyarrow as pa

        return bool(pa.types.is_decimal(arrow_type))
