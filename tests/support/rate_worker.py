"""A worker of its own: extracts the hours that each line of its input names, and says "done".

Each line is a JSON object: the feed's file, the lake, the hours as numbers from 2026-01-01 on, the
address that takes the place of the feed's own, and the place of the rate limits.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from include.ticklake.extract import extract
from include.ticklake.feed import loader
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    logging.basicConfig(level="WARNING", stream=sys.stderr)
    print("ready", flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        os.environ["TICKLAKE_RATE_LIMIT_URL"] = task["rates"]
        feed = loader.read_feed(Path(task["feed"]))
        storage = Storage.open(task["root"], env=os.environ)
        for hour in task["hours"]:
            start = FIRST + timedelta(hours=hour)
            unit = Unit(feed.first_slice, Window(start, start + timedelta(hours=1)))
            extract.extract(feed, unit, storage=storage, base_url=task["base_url"])
        print("done", flush=True)


if __name__ == "__main__":
    main()
