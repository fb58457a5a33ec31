"""Lines of a drafted feed file: YAML on one line, with the reason of a guess behind it."""

from __future__ import annotations

import json
import pathlib
import tempfile

import yaml

from include.ticklake.errors import FeedFileError, UsageError
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.scaffold.infer_window import UNKNOWN


def read_draft(text: str) -> Feed:
    """The feed that *text* describes; what is to be chosen has a text in its place.

    ``UsageError`` if it is not a valid one.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "draft.yaml"
        path.write_text(text.replace(UNKNOWN, "x"), encoding="utf-8")
        try:
            return loader.read_feed(path)
        except FeedFileError as error:
            problem = str(error).replace(f"{path}:", "line ")
            raise UsageError(f"no feed can be drafted from this page: {problem}") from None


def commented(line: str, reason: str) -> str:
    return f"{line}  # guess: {one_line(reason)}" if reason else line


def one_line(text: str) -> str:
    """*text* without what would end a comment: it holds names and values of the source."""
    return "".join(character if character.isprintable() else " " for character in text)


def yaml_text(value: object) -> str:
    """*value* as one line of YAML."""
    dumped: str = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6
    )
    line = dumped.removesuffix("...\n").rstrip("\n")
    return line if "\n" not in line else json.dumps(value, ensure_ascii=False)
