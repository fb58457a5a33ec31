"""Folders of YAML files in, feeds out; what is wrong is said with file, line and field."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from include.ticklake.errors import CallInvalid, FeedInvalid
from include.ticklake.feeds import Feed
from include.ticklake.fields import Strict

SHIPPED = Path(__file__).parent.parent / "feeds"
SCHEMA = SHIPPED / "feed.schema.json"

# Parsing a DAG reads every feed: PyYAML's own parser takes ten times as long as libyaml's.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Location = tuple[str | int, ...]


def folders(env: Mapping[str, str] | None = None) -> list[Path]:
    """The shipped folder, then those of ``TICKLAKE_FEEDS`` (separated like ``PATH``)."""
    more = (os.environ if env is None else env).get("TICKLAKE_FEEDS", "")
    return [SHIPPED, *(Path(folder) for folder in more.split(os.pathsep) if folder)]


def files(env: Mapping[str, str] | None = None) -> dict[str, Path]:
    """Feed names and their files; a later folder's feed replaces one of the same name."""
    found: dict[str, Path] = {}
    for folder in folders(env):
        if not folder.is_dir():
            raise CallInvalid(f"TICKLAKE_FEEDS names {folder}, which is not a folder")
        found |= {path.stem: path for path in sorted(folder.glob("*.y*ml"))}
    by_fold: dict[str, str] = {}
    for name in found:
        if (other := by_fold.setdefault(name.casefold(), name)) != name:
            raise FeedInvalid(f"feeds {other!r} and {name!r} differ by case only; rename one")
    return found


def load(name: str, env: Mapping[str, str] | None = None) -> Feed:
    """The feed of that name."""
    known = files(env)
    if name not in known:
        raise CallInvalid(f"unknown feed {name!r}{_meant(name, list(known))}; see: feeds")
    return read(known[name])


def load_all(env: Mapping[str, str] | None = None) -> dict[str, Feed]:
    """Every feed by name."""
    return {name: read(path) for name, path in files(env).items()}


def read(path: Path) -> Feed:
    """The feed in *path*; raises ``FeedInvalid`` that names every mistake at once."""
    text = path.read_text(encoding="utf-8")
    try:
        root, data = _parsed(text)
    except yaml.MarkedYAMLError as wrong:
        line = wrong.problem_mark.line + 1 if wrong.problem_mark else 1
        raise FeedInvalid(f"{path}:{line}: not YAML: {wrong.problem}") from None
    if not isinstance(data, dict) or root is None:
        raise FeedInvalid(f"{path}:1: a feed is a mapping: source, slices, fields, ...")
    _refuse_repeated(path, root)
    try:
        return Feed.model_validate({"name": path.stem, **data})
    except ValidationError as wrong:
        errors = [_told(path, root, error) for error in wrong.errors()]
        raise FeedInvalid("\n".join(errors)) from None


def _parsed(text: str) -> tuple[yaml.Node | None, Any]:
    """The nodes, which know their lines, and the values."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        return root, None if root is None else loader.construct_document(root)
    finally:
        loader.dispose()


def json_schema() -> str:
    """The format of a feed file as JSON Schema, for editors; ``feed.schema.json`` holds it."""
    schema = Feed.model_json_schema(by_alias=True)
    schema["properties"].pop("name")
    schema["required"].remove("name")
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def _told(path: Path, root: yaml.Node, error: Any) -> str:  # noqa: ANN401 - pydantic's dict
    """One mistake as ``file:line: field: what; what would be right``."""
    location: Location = error["loc"]
    line, names = _find(root, location)
    field = ".".join(map(str, names)) or "the feed"
    message = re.sub(r"^Value error, ", "", error["msg"])
    if error["type"] == "extra_forbidden":
        message = "unknown name" + _meant(str(location[-1]), _known_names())
    elif error["type"] == "missing":
        message = "is missing"
    elif location[-1] == "[key]":
        message = f"{location[-2]!r} is not a name: lower case letters, digits and underscores"
    elif error["type"] in ("literal_error", "union_tag_invalid"):
        given = error["input"].get("kind") if isinstance(error["input"], dict) else error["input"]
        expected = error["ctx"].get("expected") or error["ctx"].get("expected_tags")
        choices = re.findall(r"'([^']+)'", expected)
        message = f"{given!r} is not one of {', '.join(choices)}" + _meant(str(given), choices)
    return f"{path}:{line}: {field}: {message}"


def _find(root: yaml.Node, location: Location) -> tuple[int, list[str | int]]:
    """Line of the innermost node on the way to *location*, and the way without union tags."""
    node, line, names = root, root.start_mark.line + 1, []
    for step in location:
        inner = _child(node, step)
        if inner is None:
            # pydantic puts the tag of a union's member (http, id_forward) into the way.
            if isinstance(node, yaml.MappingNode) and _scalar(node, "kind") == step:
                continue
            names.append(step)
            break
        names.append(step)
        line, node = inner
    return line, names


def _child(node: yaml.Node, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item = node.value[step]
        return item.start_mark.line + 1, item
    return None


def _scalar(node: yaml.MappingNode, name: str) -> str | None:
    found = _child(node, name)
    return found[1].value if found and isinstance(found[1], yaml.ScalarNode) else None


def _known_names() -> list[str]:
    """Every name that has a meaning somewhere in a feed file."""
    return sorted(
        {
            field.alias or name
            for model in _models(Strict)
            for name, field in model.model_fields.items()
        }
    )


def _models(model: type[Strict]) -> Iterator[type[Strict]]:
    for child in model.__subclasses__():
        yield child
        yield from _models(child)


def _meant(given: str, known: list[str]) -> str:
    close = difflib.get_close_matches(given, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _refuse_repeated(path: Path, node: yaml.Node | None) -> None:
    """YAML lets a later name replace an earlier one in silence; here that is a mistake."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                raise FeedInvalid(f"{path}:{line}: {name!r} is there already, in line {seen[name]}")
            seen[name] = line
            _refuse_repeated(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeated(path, item)
