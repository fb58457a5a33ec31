"""An object store that calls a function before each operation: the seam of the crash tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

CHANGES = frozenset({"put", "put_if", "move", "move_if", "copy", "delete", "delete_if"})
"""What changes what readers see; a stream is written where nobody looks, and then moved."""
READS = frozenset(
    {"read", "read_versioned", "version", "exists", "open_input", "open_file", "infos", "folders"}
)


class SteppingStore:
    """The operations of *store*; *step* is called before each one named in *operations*."""

    def __init__(self, store: Any, step: Callable[[], None], operations: frozenset[str]) -> None:
        self._store, self._step, self._operations = store, step, operations

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._store, name)
        if name not in self._operations:
            return operation

        def stepping(*args: Any, **options: Any) -> Any:
            self._step()
            return operation(*args, **options)

        return stepping
