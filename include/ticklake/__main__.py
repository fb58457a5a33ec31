"""``python -m include.ticklake``: the command line."""

from __future__ import annotations

import os
import signal
import sys

from include.ticklake.memory import sigterm

if __name__ == "__main__":
    sigterm.exit_at_once()  # before the rest is imported, which takes a moment

from include.ticklake.cli.main import main
from include.ticklake.memory.usage import keep_numpy_out, use_frugal_allocators
from include.ticklake.model import side_by_side
from include.ticklake.redaction.output import mask_traceback

if __name__ == "__main__":
    sys.excepthook = mask_traceback
    use_frugal_allocators()  # before pyarrow is imported
    keep_numpy_out()
    exit_code = main(is_own_process=True)
    # A ^C that came inside of an import may be remembered: Python would end by the signal itself.
    if exit_code == 128 + signal.SIGINT or side_by_side.has_threads():
        sys.stderr.flush()
        os._exit(exit_code)
    sys.exit(exit_code)
