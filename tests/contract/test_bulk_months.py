"""Files of a month become windows of a month, which are cut, audited and listed as others are."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.cli_process import run
from tests.support.files_lake import ZIPPED, FilesLake, publish
from tests.unit.sources.files.test_zip_member import packed

pytestmark = pytest.mark.slow


def test_monthly_files_are_windows_of_months(http_server, tmp_path):
    """However long a month is: fetched, converted, audited, and cut again into days and back."""
    starts = [
        datetime(2024, 12, 1, tzinfo=UTC),
        *(datetime(2025, n, 1, tzinfo=UTC) for n in (1, 2)),
    ]
    for number, start in enumerate(starts):
        days = calendar.monthrange(start.year, start.month)[1]
        at_ms = int(start.timestamp()) * 1000
        lines = [f"{number * 100 + n},1.5,{at_ms + n * 86_400_000}" for n in range(days)]
        publish(http_server, f"/X/{start:%Y/%m}.zip", packed({"X.csv": "\n".join(lines).encode()}))
    monthly = ZIPPED | {"address": "https://data.example.com/{symbol}/{start:%Y/%m}.zip"}
    lake = FilesLake(tmp_path, http_server, monthly, window="1mo")
    assert [result["rows"] for result in lake.done("extract", "bulk", days=60)] == [31, 31, 28]
    lake.done("rebuild", "bulk", days=60)
    before = lake.rows()
    assert len(before) == 90
    lake.done("audit", "bulk", days=60)
    root = Path(lake.root.removeprefix("file://"))
    [february] = root.glob("parquet/bulk/symbol=X/date=2025-02-01/*")
    assert february.name == "20250201T000000Z-20250301T000000Z.parquet"
    assert "nothing to compact" in lake.command("compact", "bulk").err
    daily = monthly | {"address": "https://data.example.com/{symbol}/{date}.zip"}
    for source, window, windows in ((daily, "1d", 90), (monthly, "1mo", 3)):
        lake.describe(source=source, window=window)
        refused = lake.command("extract", "bulk", days=60)
        assert "regrid bulk" in refused.err
        ended = run("regrid", "bulk", "--root", lake.root, env=lake.env)
        assert ended.exit_code == 0, ended.err
        assert lake.rows() == before
        lake.done("audit", "bulk", days=60)
        assert len([*(root / "parquet").rglob("*.parquet")]) == windows
