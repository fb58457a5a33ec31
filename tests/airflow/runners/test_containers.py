"""What a container may know of its worker, and how its end is explained."""

from __future__ import annotations

import pytest

from include.operators.runners.convert_step import ConvertStep
from include.operators.runners.step_report import StepReport
from include.ticklake.feed import loader

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

CAP_BYTES = 96 * 1024**2


def test_a_container_is_given_addresses_and_no_credentials():
    """Where the storage is and the memory limit; keys go another way."""
    from include.operators.runners.containers import step_env

    environ = {
        "AWS_ACCESS_KEY_ID": "canary-id",
        "AWS_SECRET_ACCESS_KEY": "canary-secret",
        "AWS_ENDPOINT_URL_S3": "http://s3:9000",
        "AWS_REGION": "eu-west-2",
        "AIRFLOW_CONN_AWS_DEFAULT": "canary-connection",
        "PATH": "/bin",
        "TICKLAKE_BASE_URL": "http://replay:8900",
        "TICKLAKE_BASE_URL_HOSTS": "api.example.com",
        "TICKLAKE_CAP": "1GiB",
    }
    assert step_env(environ, cap_bytes=CAP_BYTES) == {
        "AWS_ENDPOINT_URL_S3": "http://s3:9000",
        "AWS_REGION": "eu-west-2",
        "TICKLAKE_BASE_URL": "http://replay:8900",
        "TICKLAKE_BASE_URL_HOSTS": "api.example.com",
        "TICKLAKE_CAP": str(CAP_BYTES),
    }


@pytest.mark.parametrize(
    ("root_uri", "folder"),
    [
        ("file:///var/lake", "/var/lake"),
        ("s3://bucket/prefix", None),
    ],
)
def test_only_a_lake_of_files_has_a_folder_to_mount(root_uri, folder):
    """An object store is reached over the network."""
    from include.operators.runners.containers import local_folder

    assert local_folder(root_uri) == folder


def test_reaching_the_limit_fails_the_task_for_good():
    """The next try would end the same way. The kernel reports no peak, so it is the limit."""
    from airflow.sdk.exceptions import AirflowFailException

    from include.operators.runners.containers import out_of_memory_failure

    step = ConvertStep(
        feed=loader.load("binance_klines"), manifests=[], report=StepReport(cap_bytes=CAP_BYTES)
    )
    failure = out_of_memory_failure(step, mechanism="docker")
    assert isinstance(failure, AirflowFailException)
    assert "at its limit of 96 MiB (docker, exit 137); peak 96 MiB" in str(failure)
