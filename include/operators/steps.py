"""A task in, the capped step that it is out: what every runner runs in its own way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from include.operators.conversion import MAX_ARGV_BYTES, Conversion, Tally
from include.operators.extraction import Extraction, Progress
from include.ticklake.cap.capped import Capped
from include.ticklake.errors import OutOfMemory
from include.ticklake.settings import Settings

if TYPE_CHECKING:
    from airflow.sdk import Context


class Step(Protocol):
    """What a runner asks of a step: what to run, and what becomes of what it says and how it ends.

    A runner hands over each line of output and the exit code of each call, and returns the result.
    """

    tally: Tally

    def argvs(self, *, root_uri: str, max_bytes: int = MAX_ARGV_BYTES) -> Iterator[list[str]]: ...

    def secrets(self) -> dict[str, str]: ...

    def take(self, line: str) -> bool: ...

    def raise_for(self, exit_code: int) -> None: ...

    def out_of_memory(self, ended: Capped) -> OutOfMemory: ...

    def result(self) -> Any: ...


def step(
    feed_name: str,
    *,
    manifests: list[str] | None,
    works: list[dict[str, Any]] | None,
    context: Context,
) -> Step:
    """The extraction of *works*, or the conversion of *manifests*; one of them is None."""
    from include.ticklake import feed_files

    feed, settings = feed_files.load(feed_name), Settings.from_env(os.environ)
    tally = Tally(cap_bytes=feed.cap or settings.cap_bytes)
    if works is None:
        return Conversion(feed=feed, manifests=manifests or [], tally=tally)
    from include.ticklake import manifest
    from include.ticklake.plan import Work

    return Extraction(
        feed=feed,
        manifests=[
            f"{settings.root_uri.rstrip('/')}/{manifest.key(feed.name, work.slice, work.window)}"
            for work in map(Work.of, works)
        ],
        progress=Progress(context["task_state_store"], works),
        tally=tally,
    )
