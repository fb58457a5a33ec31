"""``convert`` as a step: staged JSON of a batch of windows becomes Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.operators.access.lake import open_lake
from include.operators.runners.step import MAX_ARGV_BYTES, build_argvs, raise_for_exit
from include.operators.runners.step_report import StepReport
from include.ticklake.convert.budget import MINIMUM_CAP_BYTES, budget_for
from include.ticklake.errors import CorruptManifestError, OutOfMemoryError, SourceUnavailableError
from include.ticklake.memory.capped_process import ChildEnd, out_of_memory_error

if TYPE_CHECKING:
    from include.operators.access.settings import OperatorSettings
    from include.ticklake.feed.feed import Feed


@dataclass(slots=True, kw_only=True)
class ConvertStep:
    """The conversion of the windows whose manifests these are."""

    feed: Feed
    manifests: Sequence[str]
    report: StepReport

    def argvs(self, *, root_uri: str, max_bytes: int = MAX_ARGV_BYTES) -> Iterator[list[str]]:
        """Yield the commands that convert all of them."""
        yield from build_argvs(["convert"], self.manifests, root_uri=root_uri, max_bytes=max_bytes)

    def secrets(self) -> dict[str, str]:
        """Return nothing: only the storage is opened."""
        return {}

    def read_line(self, line: str) -> bool:
        """Read one line of output; return False for a line of the log."""
        return self.report.read_line(line) is not None

    def raise_for(self, exit_code: int) -> None:
        """Raise the error that *exit_code* stands for."""
        raise_for_exit(exit_code, report=self.report, step="conversion")

    def out_of_memory(self, end: ChildEnd) -> OutOfMemoryError:
        """Return the error for a conversion that reached its memory limit."""
        return out_of_memory_error(
            end,
            step=f"convert {self.feed.name}",
            in_force=str(budget_for(max(end.cap_bytes, MINIMUM_CAP_BYTES))),
            largest_record_bytes=self.report.largest_record_bytes,
            largest_record_at=self.report.largest_record_at,
        )

    def count_committed(self, settings: OperatorSettings) -> None:
        """Count the windows' manifests; ``SourceUnavailableError`` where one is not converted."""
        from include.ticklake.feed.read_names import still_unknown
        from include.ticklake.lake import manifest

        storage = open_lake(settings).storage
        report = self.report.without_counts()
        for uri in self.manifests:
            try:
                window = manifest.read(storage.key_of(uri), storage=storage)
            except CorruptManifestError:
                if not report.failed:  # else its failure is listed already
                    raise
                continue
            if window is None or window.parquet is None or not window.is_current:
                raise SourceUnavailableError(
                    f"{uri}: the conversion succeeded, but did not commit this window; "
                    "retry the task"
                )
            report.manifests += 1
            report.rows += window.parquet.rows
            report.quarantined_rows += window.parquet.quarantined_rows
            report.new_fields.update(still_unknown(self.feed, window.json.new_fields))
            report.unfinished += window.json.unfinished_until_ms is not None
            report.json_bytes += sum(part.json_bytes for part in window.json.parts)
            report.parquet_bytes += window.parquet.parquet_bytes
        self.report = report

    def result(self) -> dict[str, Any]:
        """Return counts of what was converted."""
        self.report.failed.raise_if_any()
        return self.report.to_dict()
