"""A feed ``rows`` with one page of records, and the command that extracts an hour of it."""

from __future__ import annotations

from pathlib import Path

from include.ticklake.lake.storage import Storage
from tests.support.cli_process import CommandResult, environment, run

HOUR = ("--start", "2026-11-22T05:00Z", "--end", "2026-11-22T06:00Z")

ROWS = """\
source:
  kind: http
  base_url: https://api.example.com
  path: /rows
  params: {apiKey: s3cret}
fields:
  id: {type: int64, key: true}
  at: {from: t, type: timestamp, unit: ms, event_time: true}
limits: {attempts: 1, read_timeout_s: 5}
"""
PAGED = ROWS.replace("params: {", "paging: {kind: page, param: p}\n  params: {")


def rows_feed(folder: Path, text: str = ROWS) -> dict[str, str]:
    """Write the feed below *folder*; the environment that finds it."""
    (folder / "feeds").mkdir(exist_ok=True)
    (folder / "feeds" / "rows.yaml").write_text(text)
    return {"TICKLAKE_FEEDS": str(folder / "feeds")}


def extract_rows(folder: Path, url: str, *, text: str = ROWS) -> CommandResult:
    """Extract the hour from *url* into the lake below *folder*."""
    return run(
        "extract", "rows", *HOUR, "--root", f"file://{folder}/lake", "--base-url", url,
        env=environment(**rows_feed(folder, text)),
    )  # fmt: skip


def visible(folder: Path) -> list[str]:
    """The keys of the lake, without what is not committed."""
    keys = Storage.open(f"file://{folder}/lake", {}).list("")
    return [key for key in keys if not key.startswith("_incomplete/")]
