"""A task in, the capped step that it is out: what every runner runs in its own way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from include.operators.runners.convert_step import MAX_ARGV_BYTES, ConvertStep, StepReport
from include.operators.runners.extract_step import BatchProgress, ExtractStep
from include.operators.settings import OperatorSettings
from include.ticklake.errors import OutOfMemoryError
from include.ticklake.memory.capped_process import ChildEnd

if TYPE_CHECKING:
    from airflow.sdk import Context


class Step(Protocol):
    """What a runner asks of a step: what to run, and what becomes of what it says and how it ends.

    A runner hands over each line of output and the exit code of each call, and returns the result.
    """

    tally: StepReport

    def argvs(self, *, root_uri: str, max_bytes: int = MAX_ARGV_BYTES) -> Iterator[list[str]]: ...

    def secrets(self) -> dict[str, str]: ...

    def take(self, line: str) -> bool: ...

    def raise_for(self, exit_code: int) -> None: ...

    def out_of_memory(self, ended: ChildEnd) -> OutOfMemoryError: ...

    def result(self) -> Any: ...


def step(
    feed_name: str,
    *,
    manifests: list[str] | None,
    works: list[dict[str, Any]] | None,
    context: Context,
) -> Step:
    """The extraction of *works*, or the conversion of *manifests*; one of them is None."""
    from include.ticklake.feed import loader

    feed, settings = loader.load(feed_name), OperatorSettings.from_env(os.environ)
    tally = StepReport(cap_bytes=feed.cap or settings.cap_bytes)
    if works is None:
        return ConvertStep(feed=feed, manifests=manifests or [], tally=tally)
    from include.ticklake.lake import layout
    from include.ticklake.model.unit import Unit

    return ExtractStep(
        feed=feed,
        manifests=[
            layout.uri(settings.root_uri, layout.manifest_key(feed.name, work.slice, work.window))
            for work in map(Unit.of, works)
        ],
        progress=BatchProgress(context["task_state_store"], works),
        tally=tally,
    )
