"""What is wrong with a feed file, in the words of feed files: ``file:line: field: problem; fix``.

pydantic finds the mistakes; none of its own words leave this module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from include.ticklake.feed.model_options import Location, Step, find_place
from include.ticklake.feed.problem_texts import Mistake, describe, shorten, show_name
from include.ticklake.model.strict import StrictModel

_MISSING = ("missing", "union_tag_not_found")
_MAX_LINES = 20
_MAX_EXAMINED = 50
"""Mistakes that are described: each is looked for in the file, which may have thousands."""
_MAX_TEXT = 400
"""Characters of a problem, however long what it repeats is."""


def mistakes(
    path: Path, root: yaml.Node, model: type[StrictModel], error: ValidationError
) -> Iterator[str]:
    """Every mistake of the file at *path* with the nodes *root*, one line per field."""
    by_field: dict[str, list[tuple[bool, str]]] = {}
    inherited: dict[str, list[tuple[bool, str]]] = {}
    found = error.errors(include_url=False)
    if len(found) > _MAX_EXAMINED:  # those of the feed before those of each of its fields
        found = sorted(found, key=lambda details: len(details["loc"]))[:_MAX_EXAMINED]
    for details in found:
        place = find_place(model, details["loc"])
        location = (*place.names, *_path_inside(details))
        missing = details["type"] in _MISSING
        line, names = find(root, location, missing=missing)
        # What a field takes from its feed is not in the file there, and wrong in another place.
        group = (
            inherited if find(root, place.names, missing=missing)[1] != [*place.names] else by_field
        )
        field = ".".join(map(show_name, names))
        mistake = Mistake(details, field=field, place=place, model=model)
        # A value that may be of several types fails once for each.
        texts = group.setdefault(f"{path}:{line}: {field or 'the feed'}", [])
        if (text := (mistake.is_type, shorten(describe(mistake), _MAX_TEXT))) not in texts:
            texts.append(text)
    for where, texts in list((by_field or inherited).items())[:_MAX_LINES]:
        yield f"{where}: {_join(texts)}"
    if len(by_field or inherited) > _MAX_LINES or len(found) < error.error_count():
        yield f"{path}:1: the feed: has more mistakes than are listed here; fix these first"


def find(root: yaml.Node, names: Location, *, missing: bool = False) -> tuple[int, list[Step]]:
    """Line of the innermost node on the path *names*, and the path as far as the file has it."""
    node: yaml.Node | None = root
    line, present = root.start_mark.line + 1, []
    for depth, name in enumerate(names, start=1):
        inner = _child(node, name) if node is not None else None
        if inner is None and not (missing and depth == len(names)):
            break
        present.append(name)
        if inner is not None:
            line, node = inner
    return line, present


def _path_inside(details: Mapping[str, Any]) -> Location:
    """What a ``FieldError`` adds to pydantic's own path: names of the file."""
    if details["type"].startswith("union_tag"):
        return ("kind",)
    raised = details.get("ctx", {}).get("error")
    return getattr(raised, "path", ())


def _child(node: yaml.Node, step: Step) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
        for key, value in node.value:
            if key.value == "<<" and (merged := _child(value, step)):
                return merged
    if isinstance(node, yaml.SequenceNode):
        if isinstance(step, int) and step < len(node.value):
            item = node.value[step]
            return item.start_mark.line + 1, item
        merged_in = (_child(item, step) for item in node.value if not isinstance(step, int))
        return next(filter(None, merged_in), None)
    return None


def _join(texts: list[tuple[bool, str]]) -> str:
    """The mistakes of one field; that the type is wrong only if nothing else is."""
    others = [text for is_type, text in texts if not is_type]
    if others:
        return ", or ".join(others)
    first, *rest = [text for _, text in texts]
    types, _, fix = first.removeprefix("must be ").partition(";")
    alternatives = [types, *(text.removeprefix("must be ").partition(";")[0] for text in rest)]
    listed = ", or ".join(filter(None, [", ".join(alternatives[:-1]), alternatives[-1]]))
    return f"must be {listed}{fix and ';'}{fix}"
