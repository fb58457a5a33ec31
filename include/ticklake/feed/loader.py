"""Load feeds from folders of YAML files; errors name the file, line and field."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import ValidationError

from include.ticklake.errors import FeedFileError, TicklakeError, UsageError, did_you_mean
from include.ticklake.feed import checks, into, mistakes, yaml_nodes
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.fields import FEED_NAME
from include.ticklake.model.strict import FieldError

SHIPPED = Path(__file__).parents[2] / "feeds"
SCHEMA = SHIPPED / "feed.schema.json"


def folders(env: Mapping[str, str] | None = None) -> list[Path]:
    """The shipped folder, then those of ``TICKLAKE_FEEDS`` (separated like ``PATH``)."""
    extra = (os.environ if env is None else env).get("TICKLAKE_FEEDS", "")
    return [SHIPPED, *(Path(folder) for folder in extra.split(os.pathsep) if folder)]


def feed_paths(env: Mapping[str, str] | None = None) -> dict[str, Path]:
    """Names and files of all feeds; a feed in a later folder replaces one of the same name.

    ``TICKLAKE_SHIPPED_FEEDS`` says which of the shipped ones to load. No file is read here, so
    that none can keep the others from being found.
    """
    paths: dict[str, Path] = {}
    for folder in folders(env):
        if not folder.is_dir():
            raise UsageError(
                f"TICKLAKE_FEEDS: {folder} is not a folder; create it, or remove it from the "
                "variable"
            )
        files = [path for path in sorted(folder.glob("*.y*ml")) if path.suffix in (".yaml", ".yml")]
        paths |= {path.stem: path for path in files}
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


def load_table(name: str, env: Mapping[str, str] | None = None) -> Feed:
    """The feed of that name, for a command that works on its lake; one with ``into`` has none."""
    feed = load(name, env)
    if feed.into:
        raise UsageError(
            f"the records of {name} are in the table of {feed.into}; name that feed instead"
        )
    return feed


def read_feed(path: Path) -> Feed:
    """The feed in *path*; raises ``FeedFileError``, which names every mistake at once."""
    return _read(path)[1]


def check_feed(path: Path) -> tuple[Feed, list[str]]:
    """The feed in *path*, and what is doubtful about it, as ``file:line: field: problem; fix``.

    Raises ``FeedFileError`` also for what can be read, but can never work in Airflow.
    """
    root, feed = _read(path)
    problems = [_format(path, root, problem) for problem in checks.find_problems(feed)]
    if problems:
        raise FeedFileError("\n".join(problems))
    return feed, [_format(path, root, doubt) for doubt in checks.find_doubts(feed)]


def _format(path: Path, root: yaml.Node, error: FieldError) -> str:
    line, _ = mistakes.find(root, error.path)
    return f"{path}:{line}: {'.'.join(map(str, error.path))}: {error}"


def _read(path: Path) -> tuple[yaml.Node, Feed]:
    _refuse_second_file(path)
    root, data = yaml_nodes.read(path)
    if not isinstance(data, dict) or root is None:
        raise FeedFileError(f"{path}:1: not a mapping; a feed has source, slices, fields, ...")
    if "name" in data:
        line, _ = mistakes.find(root, ("name",))
        raise FeedFileError(
            f"{path}:{line}: name: unknown key; the name of the file is the name of the feed"
        )
    target = _target(path, root, data)
    try:
        described = into.with_target(data, target) if target else data
        feed = Feed.model_validate({"name": path.stem, **described})
    except ValidationError as error:
        raise FeedFileError("\n".join(mistakes.mistakes(path, root, Feed, error))) from None
    except FieldError as error:
        raise FeedFileError(_format(path, root, error)) from None
    if target is None:
        return root, feed
    feed = feed.with_target(target)
    if found := [_format(path, root, mistake) for mistake in into.find_mistakes(feed)]:
        raise FeedFileError("\n".join(found))
    return root, feed


def _target(path: Path, root: yaml.Node, data: Mapping[str, object]) -> Feed | None:
    """The feed that ``into`` names; where that is not a name, the model says so."""
    name = data.get("into")
    if not isinstance(name, str) or not re.fullmatch(FEED_NAME, name):
        return None
    try:
        paths = {beside.stem: beside for beside in path.parent.glob("*.y*ml")} | feed_paths()
        if name == path.stem:
            raise UsageError("names the feed itself; name the feed of the API")
        if name not in paths:
            hint = did_you_mean(name, paths)
            raise UsageError(f"unknown feed {name!r}; the command `feeds` lists them{hint}")
        if "into" in (yaml_nodes.read(paths[name])[1] or {}):
            raise UsageError(f"{name} is written into another feed itself; name that one")
        return read_feed(paths[name])
    except TicklakeError as error:
        raise FeedFileError(_format(path, root, FieldError(str(error), path=("into",)))) from None


def _refuse_second_file(path: Path) -> None:
    """Two endings, one feed: neither file is read, so that neither is taken for the other."""
    for ending in {".yaml", ".yml"} - {path.suffix}:
        if (other := path.with_suffix(ending)).exists():
            raise FeedFileError(
                f"{path}:1: {other.name} is a feed of the same name; rename or remove one"
            )


def line_of(path: Path, *names: str) -> int:
    """The line of the file at *path* in which the value at *names* is, or what is around it."""
    root, _ = yaml_nodes.read(path)
    return mistakes.find(root, names)[0] if root else 1


def json_schema() -> str:
    """The format of a feed file as JSON Schema, for editors; ``feed.schema.json`` holds it."""
    schema = Feed.model_json_schema(by_alias=True)
    schema["properties"].pop("name")
    schema["required"].remove("name")
    schema["required"].remove("fields")
    schema["anyOf"] = [{"required": ["fields"]}, {"required": ["into"]}]
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


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
