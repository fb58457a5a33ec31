"""The lines below the source are the slices, the order and the columns."""

from __future__ import annotations

import yaml

from include.ticklake.scaffold.draft_table import DraftTable
from include.ticklake.scaffold.infer_fields import InferredField
from include.ticklake.scaffold.infer_slices import InferredSlice

TIME = InferredField(
    name="t", source="t", type="timestamp", unit="ms", event_time=True, values=(1, 2)
)


def test_a_table_with_a_time_has_an_order():
    """And windows as long as its files."""
    slices = {"symbol": InferredSlice(param="", values=["A"])}
    table = DraftTable(slices=slices, fields=[TIME], window="1d", candle="1m")
    assert [line.partition("  #")[0] for line in table.lines()] == [
        "slices:",
        "  symbol: [A]",
        "window: 1d",
        "order: ascending",
        "candle: 1m",
        "# guess: no single column is surely unique; mark those of the key: key: true",
        "fields:",
        "  t: {from: t, type: timestamp, unit: ms, event_time: true}",
    ]


def test_a_table_without_one_is_a_snapshot():
    """The time of a record is that of the request."""
    field = InferredField(name="p", source="p", type="int64", key=True)
    lines = [*DraftTable(slices={}, fields=[field]).lines()]
    assert lines[0].startswith("snapshot: true  # guess: no field is a time")
    assert lines[-1] == "  fetched_at: {from: $fetched_at, type: timestamp, event_time: true}"


def test_names_that_yaml_reads_as_something_else_are_quoted():
    """A column called ``null`` or ``no`` was a null or a false, and the draft was refused."""
    for name in ("null", "no", "true", "on"):
        field = InferredField(name=name, source=name, type="int64")
        slices = {name: InferredSlice(param="", values=["A"])}
        text = "\n".join(DraftTable(slices=slices, fields=[field]).lines())
        read = yaml.safe_load(text)
        assert [*read["fields"], *read["slices"]] == [name, "fetched_at", name]
