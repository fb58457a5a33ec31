"""``extract`` as a step: a batch of units is fetched and staged as JSON.

The units are named by the manifests that they will have, so that nothing of a slice or a
window needs quoting on the way.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from include.operators.access.connections import connection
from include.operators.access.lake import open_lake
from include.operators.runners.fetched_units import fetched_since
from include.operators.runners.step import MAX_ARGV_BYTES, build_argvs, raise_for_exit
from include.operators.runners.step_report import StepReport
from include.ticklake.errors import OutOfMemoryError, TicklakeError
from include.ticklake.feed import plan
from include.ticklake.lake.layout import manifest_key, parse_manifest_uri
from include.ticklake.memory.capped_process import ChildEnd, out_of_memory_error
from include.ticklake.model.messages import ExtractDone, Failed
from include.ticklake.model.sizes import format_bytes
from include.ticklake.model.unit import Unit

if TYPE_CHECKING:
    from include.operators.access.settings import OperatorSettings
    from include.ticklake.feed.feed import Feed

log = logging.getLogger(__name__)

PROGRESS = "progress"
"""Key in the task state store: how many units of which batch are committed."""

REPLACE = "replace"
"""What a unit of a plan says where it replaces what was fetched before."""

SAVE_EVERY_S = 5.0
"""The most that a killed task fetches again; one that fails saves where it was."""


def is_replacing(units: Iterable[Mapping[str, Any]]) -> bool:
    """Whether *units*, of one run, say that they replace what was fetched before."""
    return any(unit.get(REPLACE) for unit in units)


class BatchProgress:
    """How much of a batch is committed, in Airflow's task state store: it survives a retry."""

    def __init__(self, store: Any, units: Sequence[dict[str, Any]]) -> None:
        self._store = store
        self._batch = sha256(json.dumps(units, sort_keys=True).encode()).hexdigest()
        self._saved_s = time.monotonic()
        self._units = len(units)
        self._begun_ms: int | None = None
        self._done = self._committed()
        self._saved = len(self._done)

    @property
    def remaining(self) -> list[int]:
        """The positions of the units that are not committed yet, in order."""
        return [number for number in range(self._units) if number not in self._done]

    def begin(self) -> int | None:
        """Return when the first try of the batch began; None if this is it, which is stored."""
        begun_ms = self._begun_ms
        if begun_ms is None:
            self._begun_ms = time.time_ns() // 10**6
            self._store.set(PROGRESS, self._to_dict())
        return begun_ms

    def add(self, number: int) -> None:
        """Count the unit at that position as committed."""
        self._done.add(number)
        # Each save is a call of Airflow's API, and takes longer than a tiny unit.
        if time.monotonic() - self._saved_s > SAVE_EVERY_S:
            self.save()
            self._saved_s = time.monotonic()

    def save(self) -> None:
        """Store the progress for the next try, if there is any."""
        if len(self._done) > self._saved:
            self._store.set(PROGRESS, self._to_dict())
            self._saved = len(self._done)

    def forget(self) -> None:
        """Delete the progress: the batch is complete, and clearing its task starts over."""
        self._store.delete(PROGRESS)

    def _to_dict(self) -> dict[str, Any]:
        units = max(self._done, default=-1) + 1
        missing = [number for number in range(units) if number not in self._done]
        plain = {"batch": self._batch, "units": units, "missing": missing}
        return plain | ({} if self._begun_ms is None else {"begun_ms": self._begun_ms})

    def _committed(self) -> set[int]:
        progress = self._store.get(PROGRESS) or {}
        if progress.get("batch") != self._batch:  # the plan has changed since
            return set()
        self._begun_ms = progress.get("begun_ms")
        done = set(range(int(progress["units"]))) - set(progress.get("missing", ()))
        log.info("extract.resume units_done=%d", len(done))
        return done


@dataclass(slots=True, kw_only=True)
class ExtractStep:
    """The extraction of a batch of units."""

    feed: Feed
    manifests: Sequence[str]
    """URIs of the manifests that the batch will have, in the order of its units."""
    progress: BatchProgress
    report: StepReport
    is_replacing: bool = False
    error: TicklakeError | None = field(default=None, init=False)
    _numbers: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._numbers = {
            _key(manifest_key(self.feed.target.name, part.slice, part.window)): number
            for number, unit in enumerate(self._units)
            for part in plan.target_units(self.feed, unit)
        }

    def argvs(self, *, root_uri: str, max_bytes: int = MAX_ARGV_BYTES) -> Iterator[list[str]]:
        """Yield the commands that fetch what is not committed yet."""
        replace = ["--replace"] if self.is_replacing else []
        yield from build_argvs(
            ["extract", self.feed.name, *replace, "--manifests"],
            [self.manifests[number] for number in self.progress.remaining],
            root_uri=root_uri,
            max_bytes=max_bytes,
        )

    def begin(self, settings: OperatorSettings) -> None:
        """Skip what an earlier try has committed, also where nobody read that in its log."""
        begun_ms = self.progress.begin()
        if begun_ms is None or self.is_replacing:  # a unit may be from a run that did not replace
            return
        storage = open_lake(settings).storage
        keys = {
            number: storage.key_of(self.manifests[number]) for number in self.progress.remaining
        }
        for number in fetched_since(begun_ms, keys, storage=storage):
            self.progress.add(number)

    def secrets(self) -> dict[str, str]:
        """Return the source's Airflow connection, as the core reads it from its environment."""
        source = self.feed.source
        login = None if source.kind == "sql" else source.auth
        name = login.connection if login else getattr(source, "connection", None)
        return {f"AIRFLOW_CONN_{name.upper()}": connection(name).as_json()} if name else {}

    def read_line(self, line: str) -> bool:
        """Read one line of output; return False for a line of the log."""
        message = self.report.read_line(line)
        match message:
            case ExtractDone():
                if (number := self._numbers.get(_key(message.manifest))) is not None:
                    self.progress.add(number)
            case Failed():
                self.error = message.to_error()
        return message is not None

    def raise_for(self, exit_code: int) -> None:
        """Raise the error that the step reported; the next try resumes after what is committed."""
        if exit_code == 0:
            return
        self.progress.save()
        if self.error is not None:
            raise self.error
        raise_for_exit(exit_code, report=self.report, step="extraction")

    def out_of_memory(self, end: ChildEnd) -> OutOfMemoryError:
        """Return the error for an extraction that reached its memory limit."""
        self.progress.save()
        limit = format_bytes(self.feed.limits.max_record_bytes)
        return out_of_memory_error(
            end,
            step=f"extract {self.feed.name}",
            in_force=f"records of up to {limit} (`limits.max_record_bytes` in the feed's file)",
        )

    def count_committed(self, settings: OperatorSettings) -> None:
        """Do nothing: the result is the manifests' URIs, whatever was reported."""

    def result(self) -> list[str]:
        """Return the manifests to convert; the next try fetches only the units that failed."""
        from include.ticklake.extract import into

        if self.report.failed:
            self.progress.save()
        self.report.failed.raise_if_any(may_retry=True)
        self.progress.forget()
        if self.feed.into is None:
            return list(self.manifests)
        storage = open_lake().storage
        keys = into.manifests_to_convert(self.feed, self._units, storage=storage)
        return [storage.uri(key) for key in keys]

    @property
    def _units(self) -> list[Unit]:
        keys = map(parse_manifest_uri, self.manifests)
        return [Unit(key.slice, key.window) for key in keys]


def _key(uri: str) -> str:
    """A manifest's key, which the step and its task name in the same way, whatever the root."""
    return uri.rpartition("manifests/")[2]
