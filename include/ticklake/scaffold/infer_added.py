"""Values beside the records that a feed copies into each of them, and what it leaves out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from include.ticklake.model.record_path import PATH, check_added_path
from include.ticklake.scaffold.infer_key import SYMBOL_WORDS
from include.ticklake.scaffold.json_shape import JsonNode
from include.ticklake.scaffold.name_words import words
from include.ticklake.scaffold.record_form import RecordForm, path_text
from include.ticklake.scaffold.reported_error import SUCCESS_CODES, is_error_name

MAX_ADDED = 20

_NOISE = re.compile(
    r"(err|ret|ext|result|return|response)?_?-?(code|msg|message|info|no|status|stat|state)|"
    r"status|success|succeeded|ok|rc|result|response|"
    r"(total|page|per_?page|page_?(size|no|num|number|index|count)|pages|limit|offset|size|count|"
    r"cursor|(has_?)?more|has_?next|is_?truncated|num_?\w*|\w+_num|credit\w*)|"
    r"(total|item|result|row|record)_?(count|results?|items|elements|records|rows|hits|pages)|"
    r"(next|prev|previous)(_?\w+)?|first|last|\w*cursor|\w*page_?token|"
    r"json_?rpc|us_?(in|out|diff)|testnet|elapsed\w*|took\w*|\w*request_?id|trace_?id|"
    r"\w*_?ur[il]|href|copyright|disclaimer|notice|docs?|help",
    re.IGNORECASE,
)
"""What says how the request went, or leads on."""


def values_to_add(
    root: JsonNode,
    form: RecordForm,
    *,
    is_snapshot: bool,
    taken: Collection[str],
    known: Collection[str],
) -> dict[str, JsonNode]:
    """Values around the records by the name that a record gets them under.

    *taken* are names in the records, *known* are values that the feed has anyway. Of a feed with
    history only what names an instrument: a time of the answer would make each answer another.
    """
    added: dict[str, JsonNode] = {}
    names = {name.lower() for name in taken}
    for node in outside(root, form):
        if node.kind != "value" or node.value is None or str(node.value) in known:
            continue
        if len(added) == MAX_ADDED or _is_noise(node) or not _can_be_added(node, form):
            continue
        if not is_snapshot and not SYMBOL_WORDS.intersection(words(node.name)):
            continue
        name = next((n for n in (node.name, "_".join(node.path)) if n.lower() not in names), None)
        if name:
            names.add(name.lower())
            added[name] = node
    return added


def not_read(root: JsonNode, form: RecordForm, *, read: Collection[str]) -> list[str]:
    """The paths of what stands in the body, and no column of the draft has it."""
    found = (node for node in outside(root, form) if node.size or node.value is not None)
    return [path for path in (path_text(node.path) for node in found) if path not in read]


def outside(root: JsonNode, form: RecordForm) -> Iterator[JsonNode]:
    """Plain values and arrays that are in no record."""
    if form.reads(root):
        return
    if root.kind != "object":
        yield root
    for child in root.children.values():
        yield from outside(child, form)


def _is_noise(node: JsonNode) -> bool:
    """Whether the value says how the request went, rather than something of the records."""
    is_success = node.name == "s" and str(node.value).lower() in SUCCESS_CODES
    is_known = _NOISE.fullmatch(node.name) is not None
    return is_success or is_known or any(map(is_error_name, node.path))


def _can_be_added(node: JsonNode, form: RecordForm) -> bool:
    path = ".".join(node.path)
    if not re.fullmatch(PATH, path) or len(node.path) != path.count(".") + 1:
        return False
    try:
        check_added_path(path, records=form.records, shape=form.shape)
    except ValueError:
        return False
    return True
