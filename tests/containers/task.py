"""What an operator is given by Airflow when its task runs."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

CAP_BYTES = 96 * 1024 * 1024
ROOT = "s3://bucket/lake"
SECRET = "canary-S3cret"


@dataclass
class TaskInstance:
    """One try of one task; remembers what was pushed."""

    dag_id: str = "ingest_binance_klines"
    run_id: str = field(default_factory=lambda: f"manual__{uuid.uuid4()}")
    task_id: str = "convert"
    map_index: int = -1
    try_number: int = 1
    start_date: datetime = field(default_factory=lambda: datetime.now(UTC))
    pushed: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep what a task tells the next ones."""
        self.pushed[key] = value


def context(instance: TaskInstance | None = None) -> dict[str, Any]:
    """The context of one try."""
    instance = instance or TaskInstance()
    return {"ti": instance, "run_id": instance.run_id, "dag": object()}


def uris(*names: str) -> list[str]:
    """Manifests whose names tell the stand-in what to do."""
    return [f"{ROOT}/manifests/{name}" for name in names]
