"""What the surroundings say is read once, and refused where it makes no sense."""

from __future__ import annotations

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.model.sizes import GIB, MIB
from include.ticklake.settings import Settings


def test_nothing_set_is_a_working_set():
    """A local folder, the process runner, a cap of 128 MiB, each host asked itself."""
    assert Settings.from_env({}) == Settings()
    assert (Settings().runner, Settings().cap_bytes, Settings().base_url) == (
        "process",
        128 * MIB,
        None,
    )


def test_every_variable_is_read():
    """Those of others are not."""
    env = {
        "TICKLAKE_ROOT": "s3://bucket/lake",
        "TICKLAKE_BASE_URL": "http://127.0.0.1:8900",
        "TICKLAKE_RUNNER": "kubernetes",
        "TICKLAKE_EXTRACT": "capped",
        "TICKLAKE_CAP": "1GiB",
        "TICKLAKE_AWS_CONN_ID": "lake",
        "TICKLAKE_BATCHES_MAX": "40",
        "TICKLAKE_ICEBERG": "glue",
        "TICKLAKE_LATEST_ROWS": "0",
        "AIRFLOW_HOME": "/elsewhere",
    }
    assert Settings.from_env(env) == Settings(
        root_uri="s3://bucket/lake",
        base_url="http://127.0.0.1:8900",
        runner="kubernetes",
        extract="capped",
        cap_bytes=GIB,
        aws_conn_id="lake",
        batches_max=40,
        iceberg="glue",
        latest_rows=0,
    )


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"TICKLAKE_RUNNER": "podman"}, "TICKLAKE_RUNNER is 'podman'; it must be one of: process"),
        ({"TICKLAKE_EXTRACT": "here"}, "is 'here'; it must be one of: worker, capped"),
        ({"TICKLAKE_CAP": "lots"}, "'lots' is not a size; write it as 128MiB"),
        ({"TICKLAKE_BATCHES_MAX": "0"}, "is '0'; it must be a number from 1 to 1024"),
        ({"TICKLAKE_BATCHES_MAX": "1025"}, "is '1025'; it must be a number from 1 to 1024"),
        ({"TICKLAKE_BATCHES_MAX": "many"}, "is 'many'; it must be a number from 1 to 1024"),
        ({"TICKLAKE_LATEST_ROWS": "all"}, "is 'all'; it must be a number from 0 to 10,000"),
    ],
)
def test_what_makes_no_sense_is_refused(env, message):
    """With what it may be."""
    with pytest.raises(UsageError, match=message):
        Settings.from_env(env)


@pytest.mark.parametrize(
    "name", ["ROOT", "BASE_URL", "RUNNER", "CAP", "AWS_CONN_ID", "BATCHES_MAX"]
)
def test_an_empty_variable_is_one_that_is_not_set(name):
    """As .env files and compose files write it."""
    assert Settings.from_env({f"TICKLAKE_{name}": ""}) == Settings()
