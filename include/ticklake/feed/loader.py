"""Load feeds from folders of YAML files; errors name the file, line and field."""

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
from include.ticklake.feed.renamed_keys import new_key, new_value
from include.ticklake.model.case_clashes import name_clashes
from include.ticklake.model.strict import StrictModel

SHIPPED = Path(__file__).parents[2] / "feeds"
SCHEMA = SHIPPED / "feed.schema.json"

Location = tuple[str | int, ...]

_MISSING = ("missing", "union_tag_not_found")
_WRONG_TYPES = {
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping",
    "float_type": "must be a number, and neither .inf nor .nan",
    "int_type": "must be a whole number",
    "invalid_key": "the name must be text; quote it",
    "list_type": "must be a list",
    "string_type": "must be text",
}
"""Types of values as a feed file writes them."""


def folders(env: Mapping[str, str] | None = None) -> list[Path]:
    """The shipped folder, then those of ``TICKLAKE_FEEDS`` (separated like ``PATH``)."""
    extra = (os.environ if env is None else env).get("TICKLAKE_FEEDS", "")
    return [SHIPPED, *(Path(folder) for folder in extra.split(os.pathsep) if folder)]


def feed_paths(env: Mapping[str, str] | None = None) -> dict[str, Path]:
    """Names and files of all feeds; a feed in a later folder replaces one of the same name.

    ``TICKLAKE_SHIPPED_FEEDS`` says which of the shipped ones to load.
    """
    paths: dict[str, Path] = {}
    for folder in folders(env):
        if not folder.is_dir():
            raise UsageError(
                f"TICKLAKE_FEEDS: {folder} is not a folder; create it, or remove it from the "
                "variable"
            )
        files = [path for path in sorted(folder.glob("*.y*ml")) if path.suffix in (".yaml", ".yml")]
        _refuse_case_clashes(path.stem for path in files)
        paths |= {path.stem: path for path in files}
    _refuse_case_clashes(paths)
    hidden = _hidden_names(env)
    return {
        name: path for name, path in paths.items() if path.parent != SHIPPED or name not in hidden
    }


def load(name: str, env: Mapping[str, str] | None = None) -> Feed:
    """The feed of that name."""
    paths = feed_paths(env)
    if name not in paths:
        hint = did_you_mean(name, paths)
        raise UsageError(f"unknown feed {name!r}; the command `feeds` lists them{hint}")
    return read_feed(paths[name])


def load_all(env: Mapping[str, str] | None = None) -> dict[str, Feed]:
    """Every feed by name."""
    return {name: read_feed(path) for name, path in feed_paths(env).items()}


def read_feed(path: Path) -> Feed:
    """The feed in *path*; raises ``FeedFileError``, which names every mistake at once."""
    root, data = yaml_nodes.read(path)
    if not isinstance(data, dict) or root is None:
        raise FeedFileError(f"{path}:1: not a mapping; a feed has source, slices, fields, ...")
    if "name" in data:
        line, _ = _find(root, ("name",))
        raise FeedFileError(
            f"{path}:{line}: name: unknown key; the name of the file is the name of the feed"
        )
    try:
        return Feed.model_validate({"name": path.stem, **data})
    except ValidationError as error:
        raise FeedFileError("\n".join(_format_mistakes(path, root, error))) from None


def json_schema() -> str:
    """The format of a feed file as JSON Schema, for editors; ``feed.schema.json`` holds it."""
    schema = Feed.model_json_schema(by_alias=True)
    schema["properties"].pop("name")
    schema["required"].remove("name")
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def _format_mistakes(path: Path, root: yaml.Node, error: ValidationError) -> list[str]:
    """Every mistake as ``file:line: field: problem; fix``, one line per field."""
    by_field: dict[str, list[tuple[bool, str]]] = {}
    for details in error.errors():
        below = ("kind",) if details["type"].startswith("union_tag") else ()
        below = getattr(details.get("ctx", {}).get("error"), "path", below)
        location = (*details["loc"], *below)
        line, names = _find(root, location, missing=details["type"] in _MISSING)
        field = ".".join(map(str, names))
        # A value that may be of several types fails once for each.
        mistakes = by_field.setdefault(f"{path}:{line}: {field or 'the feed'}", [])
        mistakes.append((details["type"] in _WRONG_TYPES, _format_mistake(details, field)))
    return [f"{where}: {_join(mistakes)}" for where, mistakes in by_field.items()]


def _join(mistakes: list[tuple[bool, str]]) -> str:
    """The mistakes of one field; that the type is wrong only if nothing else is."""
    others = [text for is_type, text in mistakes if not is_type]
    return ", or ".join(others or [text for _, text in mistakes])


def _format_mistake(details: Any, field: str) -> str:  # noqa: ANN401 - pydantic's dict
    """The problem in plain words, and how to fix it."""
    kind, value = details["type"], details["input"]
    location: Location = details["loc"]
    if kind == "extra_forbidden":
        if new := new_key(field):
            return f"was renamed; write {new!r}"
        return "unknown key" + did_you_mean(str(location[-1]), _known_keys())
    if kind in _MISSING:
        return "missing"
    if location[-1:] == ("[key]",) or location == ("name",):
        of = "; the file is named after the feed" if location == ("name",) else ""
        name = value if of else location[-2]
        return (
            f"{name!r} is not a valid name; use lower-case letters, digits and underscores, "
            f"a letter first{of}"
        )
    if kind in ("literal_error", "union_tag_invalid"):
        value = value.get("kind") if kind == "union_tag_invalid" else value
        if new := new_value(field, str(value)):
            return f"{value!r} was renamed; write {new!r}"
        expected = details["ctx"].get("expected") or details["ctx"].get("expected_tags")
        choices = re.findall(r"'([^']+)'", expected)
        return f"{value!r} is not one of {', '.join(choices)}" + did_you_mean(str(value), choices)
    if kind == "string_pattern_mismatch":
        return f"{value!r} does not match {details['ctx']['pattern']}"
    if kind in _WRONG_TYPES:
        return _WRONG_TYPES[kind]
    return re.sub(r"^(Value error, |Input )", "", details["msg"])


def _find(
    root: yaml.Node, location: Location, *, missing: bool = False
) -> tuple[int, list[str | int]]:
    """Line of the innermost node on the path to *location*, and the path in the file's own keys.

    pydantic adds the tags of unions (http, id_forward, str) to the path; they are left out.
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


def _known_keys() -> list[str]:
    """Every key of a feed file, at any level."""
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


def _hidden_names(env: Mapping[str, str] | None) -> set[str]:
    """Names of the shipped feeds that ``TICKLAKE_SHIPPED_FEEDS`` leaves out."""
    setting = (os.environ if env is None else env).get("TICKLAKE_SHIPPED_FEEDS", "").strip()
    shipped = {path.stem for path in SHIPPED.glob("*.yaml")}
    if setting in ("", "all", "none"):
        return shipped if setting == "none" else set()
    names = {name.strip() for name in setting.split(",")} - {""}
    if unknown := sorted(names - shipped):
        hint = did_you_mean(unknown[0], ["all", "none", *sorted(shipped)])
        raise UsageError(
            f"TICKLAKE_SHIPPED_FEEDS: {unknown[0]!r} is not a shipped feed{hint}; "
            "set it to all, none, or names separated by commas"
        )
    return shipped - names


def _refuse_case_clashes(names: Iterable[str]) -> None:
    for first, second in name_clashes(names):
        raise FeedFileError(
            f"feeds {first!r} and {second!r} differ by case or file extension only; rename one"
        )
