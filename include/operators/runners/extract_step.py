"""What an extraction in a capped step is told and what it answers, the same for every runner.

A batch of works in, the argv of ``python -m include.ticklake extract`` out, which names
windows by the manifests that they will have; its lines of output and exit code in, the
URIs of those manifests or the right error out.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from include.operators.connections import connection
from include.operators.runners.convert_step import (
    MAX_ARGV_BYTES,
    StepReport,
    argvs,
    raise_for,
    report,
)
from include.ticklake import errors
from include.ticklake.errors import OutOfMemoryError
from include.ticklake.memory.capped_process import ChildEnd, out_of_memory_error
from include.ticklake.model.sizes import format_bytes

if TYPE_CHECKING:
    from include.ticklake.feed.feed import Feed

log = logging.getLogger(__name__)

PROGRESS = "progress"
"""Key in the task state store: how many works of which batch are committed."""

SAVE_EVERY_S = 5.0
"""What a killed task fetches again, at most; one that fails saves where it was."""


class BatchProgress:
    """How much of a batch is committed, in Airflow's task state store: it outlives a try."""

    def __init__(self, store: Any, works: Sequence[dict[str, Any]]) -> None:
        self._store = store
        self._batch = sha256(json.dumps(works, sort_keys=True).encode()).hexdigest()
        self._saved_s = time.monotonic()
        self.first = self.done = self._committed()

    def add(self) -> None:
        """One more work is committed."""
        self.done += 1
        # Each of these is a call of Airflow's API, and takes longer than a tiny work.
        if time.monotonic() - self._saved_s > SAVE_EVERY_S:
            self.save()
            self._saved_s = time.monotonic()

    def save(self) -> None:
        """Keep what is new for the next try."""
        if self.done > self.first:
            self._store.set(PROGRESS, {"batch": self._batch, "works": self.done})

    def forget(self) -> None:
        """The batch is whole: to clear its task is to begin anew."""
        self._store.delete(PROGRESS)

    def _committed(self) -> int:
        progress = self._store.get(PROGRESS) or {}
        if progress.get("batch") != self._batch:  # the plan was made anew since
            return 0
        log.info("extract.resume works_done=%d", progress["works"])
        return int(progress["works"])


@dataclass(slots=True, kw_only=True)
class ExtractStep:
    """A batch of works as a step that a runner runs."""

    feed: Feed
    manifests: Sequence[str]
    """URIs of the manifests that the batch will have, in the order of its works."""
    progress: BatchProgress
    tally: StepReport
    wrong: errors.TicklakeError | None = field(default=None, init=False)

    def argvs(self, *, root_uri: str, max_bytes: int = MAX_ARGV_BYTES) -> Iterator[list[str]]:
        """The calls that fetch what is not committed yet."""
        return argvs(
            self.manifests[self.progress.first :],
            root_uri=root_uri,
            command=("extract", self.feed.name, "--manifests"),
            max_bytes=max_bytes,
        )

    def secrets(self) -> dict[str, str]:
        """What opens the source: an Airflow connection as the core reads it, never in an argv."""
        source = self.feed.source
        login = source if source.kind == "sql" else source.auth
        if login is None:
            return {}
        return {f"AIRFLOW_CONN_{login.connection.upper()}": connection(login.connection).as_json()}

    def take(self, line: str) -> bool:
        """Take one line of output; whether it was a report."""
        told = report(line) or {}
        if "error" in told:
            self.wrong = errors.error_from_dict(told)
        if "manifest" in told:
            self.progress.add()
        return self.tally.take(line)

    def raise_for(self, exit_code: int) -> None:
        """Raise what the step said went wrong; the next try goes on behind what is committed."""
        if exit_code == 0:
            return
        self.progress.save()
        if self.wrong is not None:
            raise self.wrong
        raise_for(exit_code, said=self.tally.said, step="extraction")

    def out_of_memory(self, ended: ChildEnd) -> OutOfMemoryError:
        """The error for a step that reached its cap."""
        self.progress.save()
        limit = format_bytes(self.feed.limits.max_record_bytes)
        return out_of_memory_error(
            ended,
            step=f"extract {self.feed.name}",
            in_force=f"records of up to {limit} (`limits.max_record_bytes` in the feed's file)",
        )

    def result(self) -> list[str]:
        """For the next task: which manifests are to be converted."""
        self.progress.forget()
        return list(self.manifests)
