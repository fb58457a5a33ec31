"""What people would use instead, each as its own documentation says: one module a peer.

Each module has ``CASES``: a job's name, and a function that does it and returns how many
records it did. Nothing here is imported where the peer is not installed; the packages are
in ``requirements-bench.txt``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One tool that does the same job."""

    name: str
    package: str
    module: str

    @property
    def version(self) -> str | None:
        """The installed version; None where it is not installed."""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return None


OURS = Peer(name="ticklake", package="pyarrow", module="tools.bench.cases")
BUFFERED = Peer(name="json.load", package="requests", module="tools.bench.cases")

EXTRACTING = (
    Peer(
        name="HttpToS3Operator",
        package="apache-airflow-providers-amazon",
        module="tools.bench.peers.airflow_operator",
    ),
    Peer(name="dlt", package="dlt", module="tools.bench.peers.dlt_pipeline"),
)
CONVERTING = (
    Peer(name="DuckDB", package="duckdb", module="tools.bench.peers.duckdb_copy"),
    Peer(name="Polars", package="polars", module="tools.bench.peers.polars_sink"),
    Peer(name="ClickHouse", package="chdb", module="tools.bench.peers.clickhouse_insert"),
    Peer(name="pandas", package="pandas", module="tools.bench.peers.pandas_frame"),
    Peer(name="dlt", package="dlt", module="tools.bench.peers.dlt_pipeline"),
)
