"""Feed files in, the feeds that DAGs can be made of out, and what is wrong with the others.

An error while Airflow reads a DAG file drops every DAG in it. So one bad feed file is
left out here, and ``dags/broken_feeds.py`` is the file that fails for it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from include.operators.dag_support.interval import cron
from include.ticklake.errors import TicklakeError
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed


def valid_feeds() -> list[Feed]:
    """The feeds whose files are right; in a task's process, only the feed of its own DAG."""
    from airflow.sdk import get_parsing_context

    # A task reads its DAG file anew: with hundreds of feeds that would take longer than the task.
    own_dag_id = get_parsing_context().dag_id
    return [
        feed for feed in _read()[0] if own_dag_id is None or own_dag_id.endswith(f"_{feed.name}")
    ]


def feed_errors() -> list[str]:
    """One message for each file that is wrong: file, line, field, what would be right."""
    return _read()[1]


def _read() -> tuple[list[Feed], list[str]]:
    paths = loader.feed_paths().values()
    return _read_as_of(tuple((path, path.lstat().st_mtime_ns) for path in paths))


@lru_cache(maxsize=1)  # `airflow dags test` reads all DAG files in one process
def _read_as_of(changed: tuple[tuple[Path, int], ...]) -> tuple[list[Feed], list[str]]:
    right: list[Feed] = []
    wrong: list[str] = []
    for path, _ in changed:
        try:
            feed = loader.read_feed(path)
            cron(feed.window)
        except Exception as error:  # whatever is wrong with one file, the others live
            text = str(error) if isinstance(error, TicklakeError) else repr(error)
            wrong.append(text if str(path) in text else f"{path}: {text}")
        else:
            right.append(feed)
    return right, wrong
