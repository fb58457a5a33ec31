"""The page of benchmarks is what the bench writes; its numbers are those of some machine."""

from __future__ import annotations

from include.bench.report import Asked, Results, render
from include.bench.run import Measured

OURS = Measured(name="ticklake", rows=10, seconds=2, peak_bytes=7_000_000, parquet_bytes=500_000)
PEER = Measured(name="DuckDB", rows=10, seconds=4, peak_bytes=9_000_000, parquet_bytes=700_000)
DEAD = Measured(name="pandas", failed="killed by the cap")
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
    price=[Asked(engine="duckdb", json_s=0.5, parquet_s=0.01)],
    memory={"ticklake": {7_000: 10**7, 10_000_000: 10**7}, "DuckDB": {7_000: 10**7}},
)


def test_a_peer_that_did_not_end_says_why_and_has_no_ratio():
    """The others say how many times as fast ticklake is."""
    page = render(RESULTS)
    assert "| pandas | killed by the cap |  |  | killed by the cap |  |  |  |" in page
    assert "| DuckDB | 2 | 9.0 MB | 2.00 x as fast | 2 | 9.0 MB | 2.00 x as fast | 0.7 MB |" in page
