"""Maps: objects whose members are the records, and whose names say what each record is about."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import pairwise

from include.ticklake.scaffold.infer_window import is_time
from include.ticklake.scaffold.json_shape import JsonNode
from include.ticklake.scaffold.record_names import COLLECTIONS

_PLAIN_NAME = re.compile(r"[^\s\[\]/$]+")
"""What a path can name; any other name is ``*`` there."""
_INSTRUMENT = re.compile(r"[A-Z0-9][A-Z0-9._/:-]{4,}")
_CODE = re.compile(r"[A-Z0-9]{2,}([-_/:.]?[A-Z0-9]+)*")
_SIMILAR = 0.5
_FEW_CODES = 3
_MANY_VALUES = 50


def is_map(node: JsonNode, arrays: list[JsonNode], url_values: Collection[str]) -> bool:
    """Whether the members of *node* are the records, or the records of several instruments."""
    if node.kind != "object":
        return False
    lists = [child for child in node.children.values() if child in arrays]
    if len(lists) > 1 and all(is_instrument(child.name, url_values) for child in lists):
        return True
    objects = node.of_kind("object")
    others = len(node.of_kind("array")) + len(node.of_kind("value"))
    if len(objects) == 1:
        return others <= 1 and is_instrument(objects[0].name, url_values) and objects[0].size > 0
    if (
        len(objects) < 2
        or others > len(objects)
        or any(child.name.lower() in COLLECTIONS for child in objects)
    ):
        return False
    names = [set(child.children) for child in objects[:20]]
    return all(
        len(first & second) >= _SIMILAR * len(first | second) > 0
        for first, second in pairwise(names)
    )


def is_map_of_values(node: JsonNode) -> bool:
    """Whether *node* holds one number for each of many things: exchange rates by currency."""
    values = node.of_kind("value")
    are_times = len(values) > 1 and all(is_time("", child.name) for child in values)
    if node.kind != "object" or len(values) < len(node.children):
        return False
    if len(values) < _FEW_CODES and not are_times:
        return False
    if len(values) >= _MANY_VALUES or node.size > len(node.children):
        return True
    if not all(_is_number(child.value) for child in values):
        return False
    are_codes = all(_CODE.fullmatch(child.name) or is_time("", child.name) for child in values)
    # A column needs a path, and some names have none.
    return are_codes or not all(child.is_reachable and "." not in child.name for child in values)


def key_name(node: JsonNode) -> str:
    """What to call the names of the members of *node*: none of them has a member called so."""
    members = {name.lower() for child in node.children.values() for name in child.children}
    names = list(node.children)[:20]
    first = "symbol" if names and all(map(_CODE.fullmatch, names)) else "name"
    if names and all(is_time("", name) for name in names):
        first = "time"
    candidates = (first, "name", "key", "key_of_map", "name_in_map")
    return next(name for name in candidates if name not in members)


def is_instrument(name: str, url_values: Collection[str]) -> bool:
    """Whether *name* is that of an instrument: by its form, or as the request has it."""
    if name.lower() in COLLECTIONS:
        return False
    return bool(_INSTRUMENT.fullmatch(name)) or name.lower() in {v.lower() for v in url_values}


def is_plain_name(name: str) -> bool:
    """Whether a path can name *name*."""
    return _PLAIN_NAME.fullmatch(name) is not None


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or value is None:
        return False
    return not isinstance(value, str) or re.fullmatch(r"-?\d+(\.\d+)?", value) is not None
