"""What every runner knows of the step that it runs: its commands, its output, its end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Protocol

from include.operators.access.settings import OperatorSettings
from include.operators.runners.step_report import LAST_WORDS, StepReport
from include.ticklake.errors import (
    DataError,
    OutOfMemoryError,
    RetryableError,
    SourceUnavailableError,
    TicklakeError,
    UsageError,
)
from include.ticklake.memory.capped_process import ChildEnd

StepName = Literal["extract", "convert", "compact"]

MAX_ARGV_BYTES = 64 * 1024
"""The kernel refuses an argv of a quarter of the stack limit, which a memory limit makes small."""

_FIRST_SIGNAL_EXIT = 128
"""Exit codes above this are those of a process that was killed by a signal."""

_ERRORS: dict[int, type[TicklakeError]] = {
    error.exit_code: error
    for error in (UsageError, SourceUnavailableError, DataError, OutOfMemoryError)
}


class Step(Protocol):
    """A batch of work that ``python -m include.ticklake`` does under a memory limit.

    A runner runs each argv, hands over every line of output and each exit code, and returns
    the result.
    """

    report: StepReport

    def argvs(self, *, root_uri: str, max_bytes: int = MAX_ARGV_BYTES) -> Iterator[list[str]]:
        """Yield the commands to run, one after the other."""

    def secrets(self) -> dict[str, str]:
        """Return environment variables that must appear nowhere else."""

    def read_line(self, line: str) -> bool:
        """Read one line of output; return False for a line of the log."""

    def raise_for(self, exit_code: int) -> None:
        """Raise the error that *exit_code* stands for; 0 raises nothing.

        Where only some units failed, ``result`` raises: the next argv comes before that.
        """

    def out_of_memory(self, end: ChildEnd) -> OutOfMemoryError:
        """Return the error for a run that reached its memory limit."""

    def count_committed(self, settings: OperatorSettings) -> None:
        """Count what the lake holds now, for a runner that may have lost part of the output."""

    def result(self) -> Any:
        """Return what the task returns: URIs or counts, never data; raise if units failed."""


def build_argvs(
    command: Sequence[str],
    manifests: Sequence[str],
    *,
    root_uri: str,
    python: str = sys.executable,
    max_bytes: int = MAX_ARGV_BYTES,
) -> Iterator[list[str]]:
    """Yield calls of *command* that cover *manifests*, each with about *max_bytes* of them."""
    start = 0
    while start < len(manifests):
        end, size_bytes = start, 0
        while end < len(manifests) and (end == start or size_bytes < max_bytes):
            size_bytes += len(manifests[end].encode()) + 1
            end += 1
        named = manifests[start:end]
        yield [python, "-m", "include.ticklake", *command, *named, "--root", root_uri]
        start = end


def raise_for_exit(exit_code: int, *, report: StepReport, step: str) -> None:
    """Raise the error that *exit_code* stands for, with the message that the log ends with.

    Nothing is raised where the step went through all of its units, and some of them failed.
    """
    if exit_code in (0, report.failed.exit_code):
        return
    lines = list(report.log_tail)
    # The last words of the command line may be several lines.
    first = max((n for n, line in enumerate(lines) if line.startswith(LAST_WORDS)), default=-1)
    if first < 0 and exit_code > _FIRST_SIGNAL_EXIT:
        last_line = f"its last line: {lines[-1]}" if lines else "it wrote nothing"
        signal = exit_code - _FIRST_SIGNAL_EXIT
        raise RetryableError(f"the {step} was killed by signal {signal} from outside; {last_line}")
    message = "\n".join(lines[first:]).removeprefix(LAST_WORDS) or "it wrote nothing"
    error = _ERRORS.get(exit_code, TicklakeError)
    raise error(f"the {step} failed with exit code {exit_code}: {message}")
