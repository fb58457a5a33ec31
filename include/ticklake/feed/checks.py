"""What ``feeds --check`` finds in a feed that can be read: what cannot work, what is doubtful."""

from __future__ import annotations

from collections.abc import Iterator

from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.schedule import cron
from include.ticklake.model.strict import FieldError


def find_problems(feed: Feed) -> Iterator[FieldError]:
    """Yield what can never work in Airflow, although the command line would do it."""
    try:
        cron(feed.window)
    except UsageError as error:
        yield FieldError(str(error), path=("window",))


def find_doubts(feed: Feed) -> Iterator[FieldError]:
    """Yield what works, but perhaps not as it is meant."""
    for name in feed.key:
        if not feed.fields[name].is_required:
            yield FieldError(
                "a record without this part of the key is never removed as a duplicate; remove "
                "`required: false`, or `key: true`",
                path=("fields", name, "required"),
            )
