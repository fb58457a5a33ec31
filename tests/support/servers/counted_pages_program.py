"""``pages_program``, with a line in a file for each request to the storage, and nothing kept.

So every page is read anew from the lake, as the first viewer after a while gets it.
"""

from __future__ import annotations

import os
from pathlib import Path

from include.ticklake.lake.local_disk import LocalDisk
from include.ui import lake_access
from tests.support.servers import pages_program

REQUESTS = "TICKLAKE_TEST_REQUESTS"
"""The variable that names the file."""
_COUNTED = ("read", "read_versioned", "version", "exists", "open_input", "open_file", "infos",
            "folders", "put", "put_if", "delete", "arrow_file_system")  # fmt: skip


def count(name: str) -> None:
    """Write the calls of ``LocalDisk``'s method *name* to the file."""
    called = getattr(LocalDisk, name)

    def counted(self, key="", *args, **options):
        with Path(os.environ[REQUESTS]).open("a") as file:
            file.write(f"{name} {key}\n")
        return called(self, *([key] if key else []), *args, **options)

    setattr(LocalDisk, name, counted)


if __name__ == "__main__":
    for method in _COUNTED:
        count(method)
    lake_access.keep_nothing()
    pages_program.main()
