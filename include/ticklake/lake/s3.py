"""The S3 file system, and moving and deleting objects there.

pyarrow reads, writes and lists on S3, but after a delete or a move it puts an empty
object in place of the folder (apache/arrow#36275): litter on AWS, and on servers that
keep objects as files the end of the folder. So these two go through botocore.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from pyarrow import fs

_CONNECT_TIMEOUT_S = 10
_REQUEST_TIMEOUT_S = 60


def file_system(env: Mapping[str, str]) -> fs.S3FileSystem:
    """pyarrow's file system for *env* (``AWS_*``); keys not there come from AWS's own chain."""
    # Trailing checksums, the default, are refused by servers that are not AWS; Arrow's SDK
    # reads this from the process's environment only.
    os.environ.setdefault("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
    endpoint = urlsplit(_endpoint_url(env) or "")
    return fs.S3FileSystem(
        access_key=env.get("AWS_ACCESS_KEY_ID"),
        secret_key=env.get("AWS_SECRET_ACCESS_KEY"),
        session_token=env.get("AWS_SESSION_TOKEN"),
        region=_region(env),
        scheme=endpoint.scheme or None,
        endpoint_override=endpoint.netloc or None,
        connect_timeout=_CONNECT_TIMEOUT_S,
        request_timeout=_REQUEST_TIMEOUT_S,
        # A small object is then one request instead of three, and there all at once.
        allow_delayed_open=True,
        # In the background any number of parts would wait for a server that is slow.
        background_writes=False,
    )


class S3KeyOperations:
    """Moves and deletes objects; the client is created on first use."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._cached_client: Any = None

    def move(self, source: str, target: str) -> None:
        """``bucket/key`` to ``bucket/key``: a copy inside the server, then a delete."""
        bucket, _, key = target.partition("/")
        source_bucket, _, source_key = source.partition("/")
        copy_source = {"Bucket": source_bucket, "Key": source_key}
        with _as_os_errors(f"copy {source} to {target}"):
            self._client().copy_object(Bucket=bucket, Key=key, CopySource=copy_source)
        self.delete(source)

    def delete(self, path: str) -> None:
        """Delete ``bucket/key``; do nothing where there is no object."""
        bucket, _, key = path.partition("/")
        with _as_os_errors(f"delete {path}"):
            self._client().delete_object(Bucket=bucket, Key=key)

    def _client(self) -> Any:  # noqa: ANN401 - botocore makes its classes at run time
        if self._cached_client is None:
            # 20 MB that a run on other storage need not pay.
            import botocore.session
            from botocore.config import Config

            self._cached_client = botocore.session.Session().create_client(
                "s3",
                region_name=_region(self._env),
                endpoint_url=_endpoint_url(self._env),
                aws_access_key_id=self._env.get("AWS_ACCESS_KEY_ID"),
                aws_secret_access_key=self._env.get("AWS_SECRET_ACCESS_KEY"),
                aws_session_token=self._env.get("AWS_SESSION_TOKEN"),
                config=Config(
                    connect_timeout=_CONNECT_TIMEOUT_S,
                    read_timeout=_REQUEST_TIMEOUT_S,
                    retries={"mode": "standard", "max_attempts": 4},
                    request_checksum_calculation="when_required",
                ),
            )
        return self._cached_client


@contextmanager
def _as_os_errors(action: str) -> Iterator[None]:
    """Raise ``OSError`` for botocore's errors, as pyarrow does by itself."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise OSError(f"{action}: {error}") from None


def _endpoint_url(env: Mapping[str, str]) -> str | None:
    return env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL") or None


def _region(env: Mapping[str, str]) -> str:
    return env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or "us-east-1"
