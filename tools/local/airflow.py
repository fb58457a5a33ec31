"""Airflow with a database and settings of its own, whatever the caller's shell is set up for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def environment(
    env: Mapping[str, str], *, home: Path, root_uri: str, base_url: str
) -> dict[str, str]:
    """What processes of an Airflow in *home* see; of the caller's *env* no setting of Airflow's."""
    kept = {name: value for name, value in env.items() if not name.startswith("AIRFLOW__")}
    return kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "PYTHONPATH": str(REPOSITORY),
        "TICKLAKE_BASE_URL": base_url,
        "TICKLAKE_BASE_URL_HOSTS": "",
        "TICKLAKE_ROOT": root_uri,
    }
