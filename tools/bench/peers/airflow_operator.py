"""Airflow's ``HttpToS3Operator``, executed as its task would, without a scheduler.

The connections come from the environment. It stores the page as it came: neither cut nor gzipped.
"""

from __future__ import annotations

import json
import os
from urllib.parse import urlsplit

from airflow.providers.amazon.aws.transfers.http_to_s3 import HttpToS3Operator


def extract(*, url: str, rows: int, start_ms: int, bucket: str, aws: dict[str, str]) -> int:
    """One page to one object."""
    address = urlsplit(url)
    http = {"conn_type": "http", "host": address.hostname, "port": address.port}
    os.environ |= {"AIRFLOW_CONN_HTTP_DEFAULT": json.dumps(http), **aws}
    HttpToS3Operator(
        task_id="extract",
        endpoint="_bench/aggTrades",
        data={"rows": rows, "startTime": start_ms},
        s3_bucket=bucket,
        s3_key="page.json",
        replace=True,
    ).execute({})
    return rows


CASES = {"extract": extract}
