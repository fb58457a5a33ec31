"""The lines of a drafted feed file below its source: slices, order, fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from include.ticklake.scaffold.draft_text import commented, one_line, yaml_text
from include.ticklake.scaffold.infer_event_time import infer_order
from include.ticklake.scaffold.infer_fields import InferredField
from include.ticklake.scaffold.infer_slices import InferredSlice


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftTable:
    """What the lake gets: its partitions, and its columns."""

    slices: Mapping[str, InferredSlice]
    fields: Sequence[InferredField]
    unreachable: Sequence[str] = ()
    candle: str | None = None
    window: str | None = None
    """The length of windows, where it is not an hour."""

    @property
    def event_time(self) -> InferredField | None:
        """The field that says when a record happened; None of a snapshot."""
        return next((field for field in self.fields if field.event_time), None)

    def lines(self) -> Iterator[str]:
        """The lines, in the order of the shipped feeds."""
        if self.slices:
            yield "slices:"
            for column, inferred in self.slices.items():
                listed = f"{yaml_text(column)}: {yaml_text(inferred.values)}"
                yield f"  {listed}  # guess: list all that you need"
        if self.window:
            yield f"window: {self.window}  # guess: as long as what one file has"
        event_time = self.event_time
        has_times = any(field.type == "timestamp" for field in self.fields)
        if event_time is None:
            why = "a current state" if has_times else "no field is a time"
            yield f"snapshot: true  # guess: {why}; the time of a record is that of the request"
            yield "order: none"
        else:
            yield f"order: {infer_order(event_time)}  # guess: as in this page"
        if self.candle:
            yield f"candle: {self.candle}  # guess: the times of this page are so far apart"
        if not any(field.key for field in self.fields):
            yield "# guess: no single column is surely unique; mark those of the key: key: true"
        for name in map(one_line, self.unreachable):
            yield f"# left out: {name!r}, since no path reaches such a name; the JSON has it"
        yield "fields:"
        yield from map(field_line, self.fields)
        if event_time is None:
            yield "  fetched_at: {from: $fetched_at, type: timestamp, event_time: true}"


def field_line(inferred: InferredField) -> str:
    options: dict[str, object] = {"from": inferred.source, "type": inferred.type}
    if inferred.unit:
        options["unit"] = inferred.unit
    if inferred.format:
        options["format"] = inferred.format
    if inferred.null_values:
        options["null_values"] = list(inferred.null_values)
    if inferred.precision:
        options["precision"] = inferred.precision
    options |= {name: True for name in ("key", "event_time") if getattr(inferred, name)}
    return commented(f"  {yaml_text(inferred.name)}: {yaml_text(options)}", inferred.reason)
