"""Bodies without any record: an empty list, no list at all, a range that has nothing."""

from __future__ import annotations

from collections.abc import Iterator

from include.ticklake.errors import SourceRefusedError
from include.ticklake.scaffold.json_shape import JsonNode
from include.ticklake.scaffold.name_words import words
from include.ticklake.scaffold.record_form import path_text
from include.ticklake.scaffold.record_names import COLLECTIONS

_RECORDS = {"result", "results", "record", "records", "row", "rows", "item", "items"}
_MESSAGES = {"message", "messages", "warning", "warnings", "note", "notes", "info"}
_NO_DATA = {"no_data", "nodata", "no data"}
"""What TradingView's charts, and their copies, say in place of a status."""


def refuse_no_records(root: JsonNode, *, is_thing: bool) -> None:
    """Say what a body without any record is; *is_thing* where it has attributes of its own."""
    lists = [node for node in root.walk() if node.kind == "array"]
    has_value = any(node.kind == "value" for node in root.walk())
    problem = ""
    if root.kind == "value":
        problem = "a single value, not records; look for an endpoint that returns a list"
    elif not root.size:
        what = "without records: $ is empty" if root.kind == "array" else "an empty object"
        problem = f"{what}; request a range that has records"
    elif lists and not any(node.size for node in lists) and all(len(n.path) < 3 for n in lists):
        problem = (
            f"without records: {path_text(lists[0].path)} is empty; request a range that has some"
        )
    elif not lists and not has_value:
        problem = "without records: there is no value in it; request a range that has some"
    elif not _has_list(lists) and not is_thing and (said := next(_without(root), "")):
        problem = f"without records: {said}; request a range that has some"
    if problem:
        raise SourceRefusedError(f"the body is {problem}")


def _has_list(lists: list[JsonNode]) -> bool:
    """Whether one of *lists* may be of records: an array of messages is not."""
    return any(node.size and not _MESSAGES & set(words(node.name)) for node in lists)


def _without(root: JsonNode) -> Iterator[str]:
    """What says that there are none: a null in place of a list, a count, a word."""
    for node in root.walk():
        if not node.path or len(node.path) > 2:
            continue
        path = path_text(node.path)
        if node.name.lower() in COLLECTIONS and node.kind == "value" and node.value is None:
            yield f"{path} is null"
        if node.name.lower() in COLLECTIONS and node.kind == "object" and not node.size:
            yield f"{path} is empty"
        is_count = words(node.name)[-1:] == ["count"] and _RECORDS & set(words(node.name))
        if str(node.value).lower() in _NO_DATA or (is_count and str(node.value) == "0"):
            yield f"{path} is {node.value}"
