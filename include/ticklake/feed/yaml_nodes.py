"""A YAML file as values and as nodes, which know their lines; duplicate keys are errors.

Plain values follow YAML 1.2's core schema, as in editors: ``NO`` is text, ``010`` is not 8,
and a date stays as it is written.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from include.ticklake.errors import FeedFileError


# Parsing a DAG reads every feed; PyYAML's own parser takes ten times as long as libyaml's.
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
    """The nodes of *path* and its values; raises ``FeedFileError`` for what is not valid YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FeedFileError(f"{path}:1: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise FeedFileError(f"{path}:{line}: not UTF-8; save the file as UTF-8") from None
    try:
        root, data = _parse(text)
        _refuse_duplicates(path, root)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise FeedFileError(f"{path}:{line}: not YAML: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise FeedFileError(f"{path}:{line}: not YAML: {error.reason}") from None
    except RecursionError:
        raise FeedFileError(
            f"{path}:1: not YAML: it contains itself, or is nested too deeply"
        ) from None
    return root, data


def _parse(text: str) -> tuple[yaml.Node | None, Any]:
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        return root, None if root is None else loader.construct_document(root)
    finally:
        loader.dispose()


def _refuse_duplicates(path: Path, node: yaml.Node | None) -> None:
    """YAML silently replaces an earlier key by a later one; here that is an error."""
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines:
                raise FeedFileError(
                    f"{path}:{line}: duplicate key {name!r}, first used in line {lines[name]}"
                )
            lines[name] = line
            _refuse_duplicates(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_duplicates(path, item)
