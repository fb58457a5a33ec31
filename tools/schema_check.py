"""Whether ``include/feeds/feed.schema.json`` is what the feed models generate.

``python -m tools.schema_check`` ends with 1 where it is not, and names the command that updates it.
"""

from __future__ import annotations

import sys

from include.ticklake.feed import loader


def main() -> int:
    """Compare the file with the models."""
    if loader.SCHEMA.read_text(encoding="utf-8") == loader.json_schema():
        return 0
    sys.stderr.write(
        f"{loader.SCHEMA}: does not match the feed models; "
        "run python -m include.ticklake feeds --write-schema\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
