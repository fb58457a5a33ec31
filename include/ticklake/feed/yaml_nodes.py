"""A YAML file in, its values and its nodes out: nothing replaced or guessed in silence.

Plain values are read by YAML 1.2's core schema, as editors read them: ``NO`` is a text,
``010`` is not 8, and a date stays as it was written.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from include.ticklake.errors import FeedFileError


# Parsing a DAG reads every feed: PyYAML's own parser takes ten times as long as libyaml's.
class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way


for _tag, _pattern, _first in (
    ("bool", "true|false", "tf"),
    ("int", "-?(0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?[0-9]+\.[0-9]+", "-0123456789"),
    ("null", "~|null|", ["~", "n", ""]),
    ("merge", "<<", "<"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first)
    )


def read(path: Path) -> tuple[yaml.Node | None, Any]:
    """The nodes of *path*, which know their lines, and its values; or ``FeedFileError``."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as wrong:
        raise FeedFileError(f"{path}:1: cannot be read: {wrong.strerror}") from None
    except UnicodeDecodeError as wrong:
        line = wrong.object.count(b"\n", 0, wrong.start) + 1
        raise FeedFileError(f"{path}:{line}: not UTF-8") from None
    try:
        root, data = _parsed(text)
        _refuse_repeated(path, root)
    except yaml.MarkedYAMLError as wrong:
        line = wrong.problem_mark.line + 1 if wrong.problem_mark else 1
        raise FeedFileError(f"{path}:{line}: not YAML: {wrong.problem}") from None
    except yaml.reader.ReaderError as wrong:
        line = text.count("\n", 0, wrong.position) + 1
        raise FeedFileError(f"{path}:{line}: not YAML: {wrong.reason}") from None
    except RecursionError:
        raise FeedFileError(f"{path}:1: not YAML: it holds itself, or is nested too deep") from None
    return root, data


def _parsed(text: str) -> tuple[yaml.Node | None, Any]:
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        return root, None if root is None else loader.construct_document(root)
    finally:
        loader.dispose()


def _refuse_repeated(path: Path, node: yaml.Node | None) -> None:
    """YAML lets a later name replace an earlier one in silence; here that is a mistake."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                raise FeedFileError(
                    f"{path}:{line}: {name!r} is there already, in line {seen[name]}"
                )
            seen[name] = line
            _refuse_repeated(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeated(path, item)
