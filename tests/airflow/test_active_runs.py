"""On a store that may ignore conditional writes, one run of a feed is active at a time."""

from __future__ import annotations

import pytest

from include.operators.dag_support.active_runs import ingest_runs

BUCKET = {"TICKLAKE_ROOT": "s3://lake/prefix"}
OWN_SERVER = BUCKET | {"AWS_ENDPOINT_URL": "http://rclone:8080"}


@pytest.mark.parametrize(
    ("environ", "runs"),
    [
        pytest.param({}, 2, id="files"),
        pytest.param({"AWS_ENDPOINT_URL": "http://rclone:8080"}, 2, id="files beside a server"),
        pytest.param(BUCKET, 2, id="AWS"),
        pytest.param({"TICKLAKE_ROOT": "gs://lake"}, 2, id="Google Cloud"),
        pytest.param(OWN_SERVER, 1, id="a server of one's own"),
        pytest.param(BUCKET | {"AWS_ENDPOINT_URL_S3": "http://x"}, 1, id="of S3 only"),
        pytest.param(OWN_SERVER | {"TICKLAKE_INGEST_RUNS": "3"}, 3, id="that honours conditions"),
        pytest.param({"TICKLAKE_INGEST_RUNS": "1"}, 1, id="as it is set"),
    ],
)
def test_runs_of_a_feed_at_once(environ, runs):
    """Two of them would look before and after each write there, and not at the same moment."""
    assert ingest_runs(environ) == runs
