"""``compact`` as a step: the Parquet files of each complete day become one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.operators.access.lake import open_lake
from include.operators.runners.step import MAX_ARGV_BYTES, build_argvs, raise_for_exit
from include.operators.runners.step_report import StepReport
from include.ticklake.convert.budget import MINIMUM_CAP_BYTES, budget_for
from include.ticklake.errors import CorruptManifestError, OutOfMemoryError
from include.ticklake.memory.capped_process import ChildEnd, out_of_memory_error

if TYPE_CHECKING:
    from include.operators.access.settings import OperatorSettings
    from include.ticklake.feed.feed import Feed


@dataclass(slots=True, kw_only=True)
class CompactStep:
    """The compaction of the days whose manifests these are, or will be."""

    feed: Feed
    manifests: Sequence[str]
    report: StepReport

    def argvs(self, *, root_uri: str, max_bytes: int = MAX_ARGV_BYTES) -> Iterator[list[str]]:
        """Yield the commands that compact all of them."""
        yield from build_argvs(
            ["compact", self.feed.name, "--manifests"],
            self.manifests,
            root_uri=root_uri,
            max_bytes=max_bytes,
        )

    def secrets(self) -> dict[str, str]:
        """Return nothing: only the storage is opened."""
        return {}

    def read_line(self, line: str) -> bool:
        """Read one line of output; return False for a line of the log."""
        return self.report.read_line(line) is not None

    def raise_for(self, exit_code: int) -> None:
        """Raise the error that *exit_code* stands for."""
        raise_for_exit(exit_code, report=self.report, step="compaction")

    def out_of_memory(self, end: ChildEnd) -> OutOfMemoryError:
        """Return the error for a compaction that reached its memory limit."""
        return out_of_memory_error(
            end,
            step=f"compact {self.feed.name}",
            in_force=str(budget_for(max(end.cap_bytes, MINIMUM_CAP_BYTES))),
        )

    def count_committed(self, settings: OperatorSettings) -> None:
        """Count the manifests of days; a day that is not complete yet has none."""
        from include.ticklake.lake import day_manifest

        storage = open_lake(settings).storage
        report = self.report.without_counts()
        for uri in self.manifests:
            try:
                day = day_manifest.read(storage.key_of(uri), storage=storage)
            except CorruptManifestError:
                if not report.failed:  # else its failure is listed already
                    raise
                continue
            if day:
                report.manifests += 1
                report.rows += day.rows
                report.parquet_bytes += day.parquet_bytes
        self.report = report

    def result(self) -> dict[str, Any]:
        """Return counts of what was compacted."""
        self.report.failed.raise_if_any()
        return self.report.to_dict()
