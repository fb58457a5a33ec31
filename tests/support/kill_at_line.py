"""A program: extracts one unit of work, killed at another line each time, and again in peace.

``python -m tests.support.kill_at_line FEED_FILE OLD_URL NEW_URL FOLDER KILLS`` prints a JSON line
per kill: where it struck, whether readers then saw a whole state, and whether the next try made
the lake the same as a run without a kill. With an OLD_URL other than ``-`` there is an older state
of the unit.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from include.ticklake.extract import extract
from include.ticklake.feed import loader
from include.ticklake.lake import manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.sources.retries import SourceRetryPolicy
from tests.support.live_objects import live_objects
from tests.support.trades_api import UNIT

MODULES = (
    "extract.py", "part_writer.py", "checkpoint.py", "commit.py", "decide.py", "manifest.py",
    "storage.py",
)  # fmt: skip
PER_RECORD = ("write", "filter", "track", "size_bytes", "is_full")


def main(feed_file: str, old_url: str, new_url: str, folder: str, kills: str) -> None:
    feed = loader.read_feed(Path(feed_file))

    def unit(root: Path, url: str) -> None:
        extract.extract(
            feed,
            UNIT,
            storage=opened(root),
            base_url=url,
            patience=SourceRetryPolicy(max_attempts=1),
        )

    def fresh(name: str) -> Path:
        root = Path(folder) / name
        if old_url != "-":
            end_of(lambda: unit(root, old_url))
        return root

    calm, counted = fresh("calm"), Path(folder) / "lines"
    end_of(lambda: traced(lambda: unit(calm, new_url), kill_at=None, told=counted))
    lines = int(counted.read_text())
    expected = lake(calm)
    for turn in range(int(kills)):
        kill_at = lines * turn // int(kills) + 1
        root, told = fresh(f"{turn}"), Path(folder) / f"{turn}.where"
        status = end_of(
            lambda root=root, kill_at=kill_at, told=told: traced(
                lambda: unit(root, new_url), kill_at=kill_at, told=told
            )
        )
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        seen = visible(root)
        after = end_of(lambda root=root: unit(root, new_url))
        found = lake(root)
        print(json.dumps({
            "where": told.read_text(), "killed": killed, "whole": seen, "again": after,
            "same": found == expected, "odd": sorted(found.keys() ^ expected.keys()),
        }), flush=True)  # fmt: skip
        shutil.rmtree(root)


def opened(root: Path) -> Storage:
    return Storage.open(f"file://{root}", {})


def end_of(work: Callable[[], Any]) -> int:
    """The exit status of *work* in a process of its own, which shares what is imported here."""
    process = os.fork()
    if process:
        return os.waitpid(process, 0)[1]
    try:
        work()
    except BaseException as wrong:
        print(f"dying: {wrong!r}", file=sys.stderr)
        os._exit(1)
    os._exit(0)


def traced(work: Callable[[], None], *, kill_at: int | None, told: Path) -> None:
    """Run *work*; count its lines into *told*, or kill this process at one and tell which."""
    count = 0

    def line(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if event == "line":
            count += 1
            if count == kill_at:
                told.write_text(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}")
                os.kill(os.getpid(), signal.SIGKILL)
        return line

    def call(frame: FrameType, _event: str, _: object) -> Any:
        code = frame.f_code
        ours = "/include/ticklake/" in code.co_filename
        wanted = ours and code.co_filename.endswith(MODULES) and code.co_name not in PER_RECORD
        return line if wanted else None

    sys.settrace(call)
    work()
    sys.settrace(None)
    told.write_text(str(count))


def visible(root: Path) -> bool:
    """Whether every part that a manifest names is there, with the bytes that it says."""
    storage = opened(root)
    return all(
        hashlib.sha256(storage.read(part.key) or b"").hexdigest() == part.sha256
        for found in manifest.read_all("trades", storage=storage)
        for part in found.json.parts
    )


def lake(root: Path) -> dict[str, str]:
    storage = opened(root)
    return {key: hashlib.sha256(body).hexdigest() for key, body in live_objects(storage).items()}


if __name__ == "__main__":
    main(*sys.argv[1:])
