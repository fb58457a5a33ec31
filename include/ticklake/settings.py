"""The environment in, one frozen value out: settings are read once, at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from include.ticklake.errors import UsageError
from include.ticklake.model.sizes import MIB, parse_bytes

MAX_MAP_LENGTH = 1024
"""Airflow's ``core.max_map_length`` where nobody raised it."""

MAX_LATEST_ROWS = 10_000
"""Who wants more of them reads a part."""

Runner = Literal["process", "docker", "kubernetes"]
Extraction = Literal["worker", "capped"]
EXTRACTIONS: dict[str, Extraction] = {name: name for name in get_args(Extraction)}
RUNNERS: dict[str, Runner] = {name: name for name in get_args(Runner)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the surroundings decide; everything else is in the feed."""

    root_uri: str = "file:///tmp/ticklake"
    """Where JSON, Parquet and manifests lie: ``file:///...`` or ``s3://bucket/prefix``."""
    base_url: str | None = None
    """Send every HTTP feed here instead of its own host: the replay, or a proxy."""
    runner: Runner = "process"
    extract: Extraction = "worker"
    """Where pages are fetched: in the worker itself, or in a capped step of the runner."""
    cap_bytes: int = 128 * MIB
    """The hard memory cap of a capped step."""
    aws_conn_id: str = "aws_default"
    """The Airflow connection that S3 credentials come from."""
    batches_max: int = 200
    """How many batches a run's work is cut into: each costs Airflow two tasks."""
    latest_rows: int = 100
    """How many records a slice's ``latest.json`` has at most; 0: none is written."""
    iceberg: str | None = None
    """The Iceberg catalog to commit to: ``sqlite``, a URL, ``glue``, ``pyiceberg``; None: none."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read the ``TICKLAKE_*`` variables of *env*; ``.env.example`` lists them."""
        default = cls()
        # An empty variable, as compose files write it, is one that is not set.
        env = {name: value for name, value in env.items() if value}
        runner = env.get("TICKLAKE_RUNNER", default.runner)
        if runner not in RUNNERS:
            known = ", ".join(RUNNERS)
            raise UsageError(f"TICKLAKE_RUNNER is {runner!r}; it must be one of: {known}")
        extract = env.get("TICKLAKE_EXTRACT", default.extract)
        if extract not in EXTRACTIONS:
            known = ", ".join(EXTRACTIONS)
            raise UsageError(f"TICKLAKE_EXTRACT is {extract!r}; it must be one of: {known}")
        return cls(
            root_uri=env.get("TICKLAKE_ROOT", default.root_uri),
            base_url=env.get("TICKLAKE_BASE_URL"),
            runner=RUNNERS[runner],
            extract=EXTRACTIONS[extract],
            cap_bytes=parse_bytes(env.get("TICKLAKE_CAP", str(default.cap_bytes))),
            aws_conn_id=env.get("TICKLAKE_AWS_CONN_ID", default.aws_conn_id),
            batches_max=_batches(env.get("TICKLAKE_BATCHES_MAX", str(default.batches_max))),
            iceberg=env.get("TICKLAKE_ICEBERG"),
            latest_rows=_latest_rows(env.get("TICKLAKE_LATEST_ROWS", str(default.latest_rows))),
        )


def _batches(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_MAP_LENGTH:
        raise UsageError(
            f"TICKLAKE_BATCHES_MAX is {text!r}; it must be a number from 1 to {MAX_MAP_LENGTH}, "
            "the most that Airflow maps over"
        )
    return int(text)


def _latest_rows(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_LATEST_ROWS:
        raise UsageError(
            f"TICKLAKE_LATEST_ROWS is {text!r}; it must be a number from 0 to {MAX_LATEST_ROWS:,}"
        )
    return int(text)
