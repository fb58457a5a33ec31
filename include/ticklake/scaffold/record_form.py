"""The records of a body as a feed describes them: their place, their form, their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from include.ticklake.scaffold.json_shape import JsonNode

FIRST_ROW: Literal["first_row"] = "first_row"
ONE_VALUE = "value"
"""The name of records that are plain values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordForm:
    """What a draft says of the records, and why."""

    records: str
    shape: Literal["array", "object", "columns"] = "array"
    key_as: str | None = None
    columns: Sequence[str] | Literal["first_row"] | None = None
    add: Mapping[str, str] = field(default_factory=dict)
    format: Literal["json", "ndjson", "csv"] = "json"
    csv: Mapping[str, object] = field(default_factory=dict)
    reason: str = "the array with the most records"

    @property
    def is_map(self) -> bool:
        """Whether the members of an object are the records."""
        return self.shape == "object" and self.records.rpartition(".")[2] == "*"

    @property
    def is_one_object(self) -> bool:
        """Whether there is one record in a page."""
        return self.shape == "object" and not self.is_map

    @property
    def path(self) -> list[str]:
        """The names that lead to the records; none where the whole body is meant."""
        return [] if self.records == "$" else self.records.split(".")

    @property
    def column_names(self) -> list[str]:
        """The names that the draft gives to values."""
        listed = [] if self.columns in (None, FIRST_ROW) else self.columns or []
        return [name.rstrip("?") for name in listed]

    def reads(self, node: JsonNode) -> bool:
        """Whether *node* is one of the records, or in one."""
        expected = self.path
        if self.shape == "columns":
            listed = self.columns or [node.name]
            is_column = node.kind == "array" and node.name in listed
            return is_column and list(node.path[:-1]) == expected
        if "item" in expected:  # of an array, no more is known than that it is there
            expected = expected[: expected.index("item")]
        names = node.path[: len(expected)]
        is_inside = len(names) == len(expected) and all(
            name in ("*", found) for name, found in zip(expected, names, strict=True)
        )
        if not is_inside:
            return False
        if self.is_map and not self.columns:
            return node.kind == "object" or len(node.path) > len(expected)
        return self.shape == "object" or node.kind == "array"

    def options(self) -> dict[str, object]:
        """The options of a source, but for ``records``."""
        named: dict[str, object] = {
            "format": None if self.format == "json" else self.format,
            "csv": dict(self.csv),
            "shape": None if self.shape == "array" else self.shape,
            "key_as": self.key_as,
            "columns": self.columns if isinstance(self.columns, str) else [*(self.columns or [])],
            "add": dict(self.add),
        }
        return {name: value for name, value in named.items() if value}


def path_text(path: Sequence[str]) -> str:
    """*path* as a feed and a message have it."""
    return ".".join(path) or "$"
