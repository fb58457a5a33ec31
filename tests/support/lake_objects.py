"""What lies in a lake on the disk, to compare it with another."""

from __future__ import annotations

from pathlib import Path


def lake_objects(root: Path) -> dict[str, bytes]:
    """Every object by its key, unfinished ones too.

    Without what is of a run rather than of its data: ``plans/``, and ``summary/<feed>/feed.json``,
    a log of the feed's runs, with times and peaks of memory.
    """
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
        and not path.match("summary/*/feed.json")
        and path.relative_to(root).parts[0] != "plans"
    }
