"""How many runs of a feed's DAG may be active at once."""

from __future__ import annotations

from collections.abc import Mapping

from include.operators.access.settings import OperatorSettings

_RUNS = 2
"""One that waits for its retry does not keep the next hour from being fetched."""


def ingest_runs(environ: Mapping[str, str]) -> int:
    """One where the lake's store may ignore conditional writes, two elsewhere; or what is set.

    Files, AWS, Google Cloud and Azure honour them. A server behind an endpoint of its own may not,
    and asking it would be a request each time that the DAG file is parsed.
    """
    settings = OperatorSettings.from_env(environ)
    if settings.ingest_runs is not None:
        return settings.ingest_runs
    has_endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
    return 1 if settings.root_uri.startswith("s3://") and has_endpoint else _RUNS
