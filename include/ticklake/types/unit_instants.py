"""Numbers since 1970, as Arrow read them, as instants of a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from include.ticklake.model import times
from include.ticklake.model.times import PER_SECOND, TimeUnit, Years
from include.ticklake.types.values import InvalidValueError

if TYPE_CHECKING:
    import pyarrow as pa


def from_numbers(
    read: pa.Array,
    units: Sequence[TimeUnit],
    *,
    as_type: pa.DataType,
    per_second: int,
    years: Years,
) -> pa.Array:
    """The numbers *read*, which are in *units*, as instants of the type *as_type*.

    That has *per_second* units a second. ``InvalidValueError`` or ``pa.ArrowInvalid`` where one
    cannot be held, or gives no plausible year in any of several units.
    """
    import pyarrow as pa

    is_fraction = tuple(units) == ("float_s",)
    if is_fraction:
        # The same 128 bits without their point are the nanoseconds.
        read = pa.Array.from_buffers(
            pa.decimal128(38, 0), len(read), read.buffers(), read.null_count, read.offset
        )
    numbers = read.cast(pa.int64())
    if len(units) > 1:
        return _all_in_one_unit(numbers, units, per_second=per_second, years=years).cast(as_type)
    # Casts between units check for overflow, and for digits that would be lost.
    return numbers.cast(pa.timestamp("ns" if is_fraction else units[0], "UTC")).cast(as_type)


def _all_in_one_unit(
    numbers: pa.Array, units: Sequence[TimeUnit], *, per_second: int, years: Years
) -> pa.Array:
    """*numbers*, each in the one of *units* that leads to a plausible year."""
    import pyarrow as pa
    import pyarrow.compute as pc

    instants = pc.if_else(pc.equal(numbers, 0), numbers, pa.scalar(None, pa.int64()))
    for unit in units:
        first, end = times.plausible_range(years, unit=unit)
        is_in_unit = pc.and_(pc.greater_equal(numbers, first), pc.less(numbers, end))
        factor = per_second // PER_SECOND[unit]
        scaled = pc.multiply(pc.if_else(is_in_unit, numbers, 0), factor)
        instants = pc.if_else(is_in_unit, scaled, instants)
    if instants.null_count != numbers.null_count:
        raise InvalidValueError
    return instants


def first_after_1970(instants: pa.Array) -> int | None:
    """The first of *instants* after 1970 began, in units of their type; None if there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = instants.cast(pa.int64())
    first: int | None = pc.min(numbers.filter(pc.greater(numbers, 0))).as_py()
    return first
