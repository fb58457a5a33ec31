"""``python -m include.replay``: serve every shipped feed's API from a simulated market."""

from __future__ import annotations

import sys

from include.replay.command import main
from include.ticklake.errors import UsageError

if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except UsageError as error:
        sys.stderr.write(f"replay: {error}\n")
        sys.exit(error.exit_code)
