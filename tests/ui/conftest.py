"""The pages as Airflow's API server serves them, to users with different rights."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.servers import airflow_pages
from tests.support.servers.airflow_pages import AirflowPages


@pytest.fixture(scope="session")
def pages_env(
    airflow_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The environment of the API server, with a lake of its own."""
    lake = tmp_path_factory.mktemp("pages") / "lake"
    lake.mkdir()
    return {**airflow_env, "TICKLAKE_ROOT": f"file://{lake}"}


@pytest.fixture(scope="session")
def pages(pages_env: dict[str, str]) -> Iterator[AirflowPages]:
    """A running API server; ``apart`` may not see the feed ``kraken_trades``."""
    server = airflow_pages.start(pages_env, hidden_dag="ingest_kraken_trades")
    yield server
    server.close()
