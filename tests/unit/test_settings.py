"""What the surroundings say is read once, and refused where it makes no sense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import UsageError
from include.ticklake.model.sizes import GIB, KIB, MIB, parse_bytes
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


@given(
    count=st.integers(0, 10**6),
    unit=st.sampled_from(["", "B", "KiB", "MiB", "GiB"]),
    space=st.booleans(),
)
def test_a_size_is_a_whole_number_with_a_unit(count, unit, space):
    """Powers of 1,024, or bytes where there is no unit."""
    factor = {"": 1, "B": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB}[unit]
    assert parse_bytes(f"{count}{' ' * (space and bool(unit))}{unit}") == count * factor
    assert parse_bytes("1.5GiB") == 3 * GIB // 2


@pytest.mark.parametrize("text", ["", "MiB", "1.5.0GiB", "128MB", "128mib", "-1", "1 2", "\u0661"])
def test_what_is_no_size_is_refused(text):
    """Also the units of 1,000 and other digits: nobody means them exactly."""
    with pytest.raises(UsageError, match="is not a size"):
        parse_bytes(text)
