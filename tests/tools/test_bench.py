"""The page of benchmarks is what the bench writes; its numbers are those of some machine."""

from __future__ import annotations

import re

from include.ticklake.lake.manifest import read
from tests.conftest import REPOSITORY
from tools.bench import data
from tools.bench.report import QueryTimes, Results, render
from tools.bench.run import Measured

PAGE = REPOSITORY / "docs" / "reference" / "benchmarks.md"

OURS = Measured(name="ticklake", rows=10, seconds=2, peak_bytes=7_000_000, parquet_bytes=500_000)
PEER = Measured(name="DuckDB", rows=10, seconds=4, peak_bytes=9_000_000, parquet_bytes=700_000)
DEAD = Measured(name="pandas", failed="killed by the limit")
RESULTS = Results(
    date="2026-11-22",
    rows=1_000_000,
    cap_bytes=128 * 2**20,
    within_s=180,
    machine={"processor": "one", "memory": "8 GiB", "system": "Linux", "Python": "3.11"},
    versions={"ticklake (pyarrow)": "26.0.1", "DuckDB": "2.0.0"},
    extraction=[OURS, PEER],
    few=OURS,
    page_to_parquet=[OURS, PEER],
    free={"parts": [OURS, PEER], "lines": [PEER]},
    capped={"parts": [OURS, PEER, DEAD], "lines": [PEER, DEAD]},
    one_core=OURS,
    mixed=PEER,
    price=[QueryTimes(engine="duckdb", json_s=0.5, parquet_s=0.01)],
    memory={"ticklake": {7_000: 10**7, 10_000_000: 10**7}, "DuckDB": {7_000: 10**7}},
)


def form(page: str) -> list[str]:
    """A page's headings, heads of tables and pictures, in their order."""
    lines = page.splitlines()
    heads = {lines[n - 1] for n, line in enumerate(lines) if re.match(r"\|( --- \|)+$", line)}
    counted = re.compile(r"^\| records \|.*")
    return [
        counted.sub("| records |", line)
        for line in lines
        if line.startswith(("#", "![")) or line in heads
    ]


def test_the_page_of_benchmarks_has_the_form_that_the_bench_writes():
    """Headings, tables and charts; change both together."""
    assert form(PAGE.read_text(encoding="utf-8")) == form(render(RESULTS))


def test_a_peer_that_did_not_end_says_why_and_has_no_ratio():
    """The others say how many times as fast ticklake is."""
    page = render(RESULTS)
    assert "| pandas | killed by the limit |  |  | killed by the limit |  |  |  |" in page
    assert "| DuckDB | 2 | 9.0 MB | 2.00 x as fast | 2 | 9.0 MB | 2.00 x as fast | 0.7 MB |" in page


def test_the_rate_on_one_core_is_on_the_page():
    """A worker often has no more."""
    assert "On one core ticklake converts the parts at 5 records/s." in render(RESULTS)


def test_the_rate_of_mixed_tokens_is_on_the_page():
    """They used to be read one at a time."""
    assert "now as an empty text, it converts 2 records/s." in render(RESULTS)


def test_parts_that_are_read_many_times_are_a_unit_of_many_records(tmp_path):
    """Whose manifest adds up, so that it is converted as any other."""
    staged = data.stage(tmp_path, 500)
    many = data.repeated(staged.committed, 3, storage=staged.storage)
    assert sum(part.rows for part in many.json.parts) == 1_500
    assert read(many.key, storage=staged.storage) == many


def test_the_charts_of_the_page_are_there():
    """Every picture that the page shows, as PNG."""
    shown = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert shown
    for path in shown:
        assert (PAGE.parent / path).read_bytes().startswith(b"\x89PNG")
