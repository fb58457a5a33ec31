"""The feeds that DAGs are made of, and what is wrong with the others.

An error while Airflow reads a DAG file drops every DAG in it. So an invalid feed file is
left out here, and ``dags/broken_feeds.py`` is the file that fails for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from include.operators.access.settings import OperatorSettings
from include.ticklake.errors import FeedFileError, TicklakeError
from include.ticklake.feed import feed_file, loader
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.schedule import cron
from include.ticklake.settings import Runner


def names() -> list[str]:
    """The names of all feeds; their files are not read."""
    return list(loader.feed_paths())


def valid_feeds() -> list[Feed]:
    """The feeds whose files are valid; in a task's process, only the feed of its own DAG."""
    from airflow.sdk import get_parsing_context

    paths = loader.feed_paths()
    # A task reads its DAG file again: with hundreds of feeds that would take longer than the task.
    if dag_id := get_parsing_context().dag_id:
        paths = {name: path for name, path in paths.items() if dag_id == f"ingest_{name}"}
    return _read(paths.values())[0]


def feed_errors() -> list[str]:
    """One message for each invalid file: file, line, field, and how to fix it."""
    return list(errors_by_feed().values())


def errors_by_feed() -> dict[str, str]:
    """``feed_errors`` by the names of the feeds."""
    return _read(loader.feed_paths().values())[1]


def runners() -> list[Runner]:
    """The runners that feeds use: ``TICKLAKE_RUNNER``, then those that feed files name."""
    used: dict[Runner, None] = {OperatorSettings.from_env(os.environ).runner: None}
    # Only a few files name one, and a task's process need not parse the others.
    named = [path for path in loader.feed_paths().values() if _may_name_a_runner(path)]
    used |= dict.fromkeys(feed.runner for feed in _read(named)[0] if feed.runner)
    return list(used)


def _may_name_a_runner(path: Path) -> bool:
    try:
        return b"runner" in feed_file.read_bytes(path)
    except FeedFileError:
        return False


def _read(paths: Iterable[Path]) -> tuple[list[Feed], dict[str, str]]:
    return _read_as_of(tuple((path, _changed_ns(path)) for path in paths))


def _changed_ns(path: Path) -> int:
    try:
        return path.lstat().st_mtime_ns
    except OSError:  # removed since its folder was listed: reading it says so
        return 0


@lru_cache(maxsize=4)  # `airflow dags test` reads all DAG files in one process
def _read_as_of(changed: tuple[tuple[Path, int], ...]) -> tuple[list[Feed], dict[str, str]]:
    valid: list[Feed] = []
    errors: dict[str, str] = {}
    for path, _ in changed:
        try:
            feed = loader.read_feed(path)
            cron(feed.window)
        except Exception as error:  # whatever is wrong with one file, the others stay
            text = str(error) if isinstance(error, TicklakeError) else repr(error)
            text = text if str(path) in text else f"{path}: {text}"
            # The name of a file may be no valid text, which Airflow could not store.
            errors[path.stem] = text.encode("utf-8", "backslashreplace").decode()
        else:
            valid.append(feed)
    return valid, errors
