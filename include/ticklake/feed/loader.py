"""Folders of YAML files in, feeds out; what is wrong is said with file, line and field."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from include.ticklake.errors import FeedFileError, UsageError, did_you_mean
from include.ticklake.feed import yaml_nodes
from include.ticklake.feed.feed import Feed
from include.ticklake.model.strict import StrictModel

SHIPPED = Path(__file__).parents[2] / "feeds"
SCHEMA = SHIPPED / "feed.schema.json"

Location = tuple[str | int, ...]

_MISSING = ("missing", "union_tag_not_found")


def folders(env: Mapping[str, str] | None = None) -> list[Path]:
    """The shipped folder, then those of ``TICKLAKE_FEEDS`` (separated like ``PATH``)."""
    more = (os.environ if env is None else env).get("TICKLAKE_FEEDS", "")
    return [SHIPPED, *(Path(folder) for folder in more.split(os.pathsep) if folder)]


def feed_paths(env: Mapping[str, str] | None = None) -> dict[str, Path]:
    """Feed names and their files; a later folder's feed replaces one of the same name."""
    found: dict[str, Path] = {}
    for folder in folders(env):
        if not folder.is_dir():
            raise UsageError(f"TICKLAKE_FEEDS names {folder}, which is not a folder")
        here = [path for path in sorted(folder.glob("*.y*ml")) if path.suffix in (".yaml", ".yml")]
        _refuse_twins(path.stem for path in here)
        found |= {path.stem: path for path in here}
    _refuse_twins(found)
    return found


def load(name: str, env: Mapping[str, str] | None = None) -> Feed:
    """The feed of that name."""
    known = feed_paths(env)
    if name not in known:
        raise UsageError(f"unknown feed {name!r}{did_you_mean(name, list(known))}; see: feeds")
    return read_feed(known[name])


def load_all(env: Mapping[str, str] | None = None) -> dict[str, Feed]:
    """Every feed by name."""
    return {name: read_feed(path) for name, path in feed_paths(env).items()}


def read_feed(path: Path) -> Feed:
    """The feed in *path*; raises ``FeedFileError`` that names every mistake at once."""
    root, data = yaml_nodes.read(path)
    if not isinstance(data, dict) or root is None:
        raise FeedFileError(f"{path}:1: a feed is a mapping: source, slices, fields, ...")
    if "name" in data:
        line, _ = _find(root, ("name",))
        raise FeedFileError(f"{path}:{line}: name: unknown name; a feed is called as its file is")
    try:
        return Feed.model_validate({"name": path.stem, **data})
    except ValidationError as wrong:
        raise FeedFileError("\n".join(_all_told(path, root, wrong))) from None


def json_schema() -> str:
    """The format of a feed file as JSON Schema, for editors; ``feed.schema.json`` holds it."""
    schema = Feed.model_json_schema(by_alias=True)
    schema["properties"].pop("name")
    schema["required"].remove("name")
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def _all_told(path: Path, root: yaml.Node, wrong: ValidationError) -> list[str]:
    """Every mistake as ``file:line: field: what; what would be right``, one per place."""
    by_place: dict[str, list[str]] = {}
    for error in wrong.errors():
        below = ("kind",) if error["type"].startswith("union_tag") else ()
        below = getattr(error.get("ctx", {}).get("error"), "at", below)
        location = (*error["loc"], *below)
        line, names = _find(root, location, missing=error["type"] in _MISSING)
        place = f"{path}:{line}: {'.'.join(map(str, names)) or 'the feed'}"
        # A value that may be of several types fails once for each.
        by_place.setdefault(place, []).append(_told(error))
    return [f"{place}: {', or '.join(told)}" for place, told in by_place.items()]


def _told(error: Any) -> str:  # noqa: ANN401 - pydantic's dict
    """What is wrong, and what would be right."""
    kind, given = error["type"], error["input"]
    location: Location = error["loc"]
    if kind == "extra_forbidden":
        return "unknown name" + did_you_mean(str(location[-1]), _known_names())
    if kind in _MISSING:
        return "is missing"
    if location[-1:] == ("[key]",):
        return f"{location[-2]!r} is not a name: lower case letters, digits and underscores"
    if kind in ("literal_error", "union_tag_invalid"):
        given = given.get("kind") if isinstance(given, dict) else given
        expected = error["ctx"].get("expected") or error["ctx"].get("expected_tags")
        choices = re.findall(r"'([^']+)'", expected)
        return f"{given!r} is not one of {', '.join(choices)}" + did_you_mean(str(given), choices)
    if kind == "string_pattern_mismatch":
        return f"{given!r} does not look like {error['ctx']['pattern']}"
    return re.sub(r"^(Value error, |Input )", "", error["msg"])


def _find(
    root: yaml.Node, location: Location, *, missing: bool = False
) -> tuple[int, list[str | int]]:
    """Line of the innermost node on the way to *location*, and the way in the file's own names.

    pydantic puts the tags of unions (http, id_forward, str) into the way; they are left out.
    """
    node, line, names = root, root.start_mark.line + 1, []
    for depth, step in enumerate(location, start=1):
        inner = _child(node, step)
        if inner is not None:
            names.append(step)
            line, node = inner
        elif missing and depth == len(location):
            names.append(step)
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


def _known_names() -> list[str]:
    """Every name that has a meaning somewhere in a feed file."""
    return sorted(
        {
            field.alias or name
            for model in _models(StrictModel)
            for name, field in model.model_fields.items()
        }
    )


def _models(model: type[StrictModel]) -> Iterator[type[StrictModel]]:
    for child in model.__subclasses__():
        yield child
        yield from _models(child)


def _refuse_twins(names: Iterable[str]) -> None:
    by_fold: dict[str, str] = {}
    for name in names:
        if other := by_fold.get(name.casefold()):
            raise FeedFileError(
                f"feeds {other!r} and {name!r} differ by case or ending only; rename one"
            )
        by_fold[name.casefold()] = name
