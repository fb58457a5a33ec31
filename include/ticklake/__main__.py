"""``python -m include.ticklake``: the command line."""

from __future__ import annotations

import sys

from include.ticklake.cli.main import main
from include.ticklake.memory.usage import use_frugal_allocators

if __name__ == "__main__":
    use_frugal_allocators()  # before pyarrow is imported
    sys.exit(main())
