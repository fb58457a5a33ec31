"""Times in arrays side by side, such as prices and volumes: each rises, all together do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from include.ticklake.scaffold.infer_fields import InferredField, infer_fields
from include.ticklake.scaffold.infer_times import plausible_unit
from include.ticklake.scaffold.infer_types import as_numbers
from include.ticklake.scaffold.sample_records import SampledPages


def with_times(fields: Iterable[InferredField], sample: SampledPages) -> Iterator[InferredField]:
    """*fields*; a number that is a time in the first of several arrays is one in the others."""
    form = sample.form
    if form.shape != "array" or not form.key_as:
        yield from fields
        return
    rows = sample.pages[0]
    first = [row for row in rows if row[form.key_as] == rows[0][form.key_as]]
    times = {found.source: found for found in infer_fields(first).fields if found.unit}
    for field in fields:
        found = times.get(field.source)
        numbers = as_numbers([value for value in field.values if value is not None])
        if found and not field.unit and numbers and plausible_unit(numbers) == found.unit:
            yield replace(
                field, type=found.type, unit=found.unit, precision=found.precision,
                reason=found.reason,
            )  # fmt: skip
        else:
            yield field
