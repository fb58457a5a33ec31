"""A YAML file as values and as nodes, which know their lines; duplicate keys are errors.

Plain values follow YAML 1.2's core schema, as in editors: ``NO`` is text, ``010`` is not 8,
and a date stays as it is written.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from include.ticklake.errors import FeedFileError
from include.ticklake.feed import feed_file


# Parsing a DAG reads every feed; PyYAML's own parser takes ten times as long as libyaml's.
class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way


_NUMBERS_AND_BOOLS = {
    "bool": re.compile(r"true|false"),
    "int": re.compile(r"-?(0|[1-9][0-9]*)"),
    "float": re.compile(r"-?[0-9]+\.[0-9]+"),
}
_MAX_DIGITS = 300
"""Longer numbers are beyond any option, and Python may refuse to read them."""

for _tag, _pattern, _first in (
    ("bool", _NUMBERS_AND_BOOLS["bool"].pattern, "tf"),
    ("int", _NUMBERS_AND_BOOLS["int"].pattern, "-0123456789"),
    ("float", _NUMBERS_AND_BOOLS["float"].pattern, "-0123456789"),
    ("null", "~|null|", ["~", "n", ""]),
    ("merge", "<<", "<"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first)
    )


_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {f"{_TAG}{name}" for name in ("str", "seq", "map", "null", "merge")}
_NO_NAMES = {f"{_TAG}{name}" for name in ("bool", "float", "null")}
_MAX_NODES = 100_000
"""Counted as often as aliases name them: few lines can stand for billions."""
_MAX_DEPTH = 50
_MAX_TEXT = 65_536
"""Characters of one text: the longest are queries."""

_NOT_A_NAME = "a list or a mapping cannot be a name; quote text that begins with `{` or `[`"
_PROBLEMS = {
    "did not find expected ',' or '}'": "a bracket, a brace or a comma inside a text, or one that "
    "is missing; quote the text",
    "did not find expected ',' or ']'": "a bracket, a brace or a comma inside a text, or one that "
    "is missing; quote the text",
    "but found another document": "more than one document; keep one, and remove `---` after it",
    "found undefined alias": "an anchor of that name does not exist; quote a text that begins "
    "with `*`",
    "mapping values are not allowed in this context": "a colon and a blank inside a text, or a "
    "wrong indentation; quote the text, or indent it as its neighbours",
}
"""What the parser finds, as a person who writes a feed would say it."""


def read(path: Path) -> tuple[yaml.Node | None, Any]:
    """The nodes of *path* and its values; raises ``FeedFileError`` for what is not valid YAML."""
    text = feed_file.read_text(path)
    try:
        _check_size(path, text)
        return _parse(path, text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise FeedFileError(f"{path}:{line}: not YAML: {_describe(error, text)}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise FeedFileError(f"{path}:{line}: not YAML: {error.reason}") from None


def _check_size(path: Path, text: str) -> None:
    """Refuse too much of anything, before nodes are made of it.

    libyaml makes nodes by recursion in C: deep nesting does not raise there, but kills the
    process, and with it whatever else the process was reading.
    """
    loader = _Loader(text)
    nodes = depth = 0
    try:
        while (event := loader.get_event()) is not None:
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            nodes += not isinstance(event, yaml.CollectionEndEvent)
            line = event.start_mark.line + 1
            if depth > _MAX_DEPTH:
                raise _too_deep(path, line)
            if nodes > _MAX_NODES:
                raise FeedFileError(
                    f"{path}:{line}: more than {_MAX_NODES:,} names and values; split the feed"
                )
            if isinstance(event, yaml.ScalarEvent) and len(event.value) > _MAX_TEXT:
                raise FeedFileError(
                    f"{path}:{line}: a text of {len(event.value):,} characters; shorten it to "
                    f"{_MAX_TEXT:,}"
                )
    finally:
        loader.dispose()


def _parse(path: Path, text: str) -> tuple[yaml.Node | None, Any]:
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None, None
        size = _check_nodes(path, root, {})
        if size.nodes > _MAX_NODES:
            raise FeedFileError(f"{path}:1: its aliases stand for too much; write it out")
        if size.depth > _MAX_DEPTH:
            raise _too_deep(path, 1)
        return root, loader.construct_document(root)
    finally:
        loader.dispose()


def _too_deep(path: Path, line: int) -> FeedFileError:
    return FeedFileError(
        f"{path}:{line}: nested more than {_MAX_DEPTH} levels deep; no option is, so remove levels"
    )


def _describe(error: yaml.MarkedYAMLError, text: str) -> str:
    """What is wrong, and what to write instead where that is known."""
    problem, mark = str(error.problem), error.problem_mark
    if mark and problem == "found character that cannot start any token":
        character = (text.splitlines()[mark.line : mark.line + 1] or [""])[0][mark.column :][:1]
        if character == "\t":
            return "a tab; indent with blanks"
        return f"a value cannot begin with {character!r}; quote it"
    return _PROBLEMS.get(problem, problem)


class _Size(NamedTuple):
    """What a node holds, with every alias as often as it is used."""

    nodes: int
    depth: int


_ONE = _Size(1, 1)


def _check_nodes(path: Path, node: yaml.Node, sizes: dict[int, _Size | None]) -> _Size:
    """Refuse what YAML would change without a word; the size of *node*."""
    if isinstance(node, yaml.ScalarNode):
        if node.tag not in _PLAIN_TAGS:
            _check_scalar(path, node)
        return _ONE
    if id(node) in sizes:
        if (known := sizes[id(node)]) is None:  # not even its end was seen
            line = node.start_mark.line + 1
            raise FeedFileError(f"{path}:{line}: not YAML: it contains itself; remove the alias")
        return known
    if node.tag not in _PLAIN_TAGS:
        _refuse_tag(path, node)
    children: list[yaml.Node] = node.value
    if isinstance(node, yaml.MappingNode):
        _check_names(path, node)
        children = [child for pair in node.value for child in pair]
    sizes[id(node)] = None
    nodes, depth = 1, 1
    for child in children:
        inner = _check_nodes(path, child, sizes)
        nodes += inner.nodes
        depth = max(depth, 1 + inner.depth)
    sizes[id(node)] = size = _Size(nodes, depth)
    return size


def _check_names(path: Path, node: yaml.MappingNode) -> None:
    """YAML silently replaces an earlier key by a later one; here that is an error."""
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise FeedFileError(f"{path}:{line}: not YAML: {_NOT_A_NAME}")
        name = str(key.value)
        if key.tag in _NO_NAMES:
            raise FeedFileError(f"{path}:{line}: {name or 'null'}: the name must be text; quote it")
        if name in lines:
            raise FeedFileError(
                f"{path}:{line}: duplicate key {name!r}, first used in line {lines[name]}"
            )
        lines[name] = line


def _check_scalar(path: Path, node: yaml.ScalarNode) -> None:
    """Refuse tags beyond JSON's types, values that are not of their tag, and endless digits."""
    pattern = _NUMBERS_AND_BOOLS.get(node.tag.removeprefix(_TAG))
    if pattern is None or not pattern.fullmatch(node.value):
        _refuse_tag(path, node)
    if len(node.value) > _MAX_DIGITS:
        raise FeedFileError(
            f"{path}:{node.start_mark.line + 1}: a number of {len(node.value)} characters; "
            "quote it if it is a text"
        )


def _refuse_tag(path: Path, node: yaml.Node) -> None:
    tag = str(node.tag).replace(_TAG, "!!")
    raise FeedFileError(
        f"{path}:{node.start_mark.line + 1}: the tag {tag} is not supported; write the value "
        "without it"
    )
