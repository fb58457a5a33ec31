"""Settings of the Airflow side: where steps run, and how much work Airflow is given."""

from __future__ import annotations

from pydantic import Field

from include.ticklake.settings import Extraction, Runner, Settings

MAX_MAP_LENGTH = 1024
"""The default of Airflow's ``core.max_map_length``."""


class OperatorSettings(Settings):
    """The settings of the core, and those that only Airflow's tasks read."""

    runner: Runner = Field(
        "process",
        validation_alias="TICKLAKE_RUNNER",
        description="Where a memory-limited step runs: `process`, `docker` or `kubernetes`; "
        "`runner` in a feed file wins.",
    )
    extract: Extraction = Field(
        "worker",
        validation_alias="TICKLAKE_EXTRACT",
        description="Where pages are fetched: in the `worker`, or `capped`: in a memory-limited "
        "step as well.",
    )
    batches_max: int = Field(
        200,
        ge=1,
        le=MAX_MAP_LENGTH,
        validation_alias="TICKLAKE_BATCHES_MAX",
        description="Most batches that a run is split into; each costs Airflow two tasks.",
    )
    aws_conn_id: str = Field(
        "aws_default",
        validation_alias="TICKLAKE_AWS_CONN_ID",
        description="Airflow connection with the keys, role or profile, and the endpoint, of S3.",
    )
