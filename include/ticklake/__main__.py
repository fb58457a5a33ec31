"""``python -m include.ticklake``: the command line."""

from __future__ import annotations

import os
import sys

from include.ticklake.cli.main import main

if __name__ == "__main__":
    # Before pyarrow is imported: its own allocator would keep what is freed.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    sys.exit(main())
