"""A real S3 server on loopback: ``rclone serve s3`` over a folder, ended by its process id.

Where it is not what one expects (rclone 1.75):

* It refuses the trailing checksums that AWS clients send by default: writes end in HTTP 411
  unless ``AWS_REQUEST_CHECKSUM_CALCULATION=when_required`` is set (``environment`` sets it).
* It ignores conditions (``If-None-Match``), and answers a range with status 200 instead of 206.
* A server-side copy keeps ``Content-Encoding``, and may lose ``Content-Type``.
* It caches its folders: look at ``Bucket.folder`` as much as you like, but write through S3 only
  (``--dir-cache-time 0`` does not help: after a few requests the server stops answering).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.client import BaseClient

START_LIMIT_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """An empty bucket of a running server."""

    name: str
    endpoint_url: str
    access_key: str
    secret_key: str
    folder: Path | None = None
    """Of the objects, where they are files."""

    @property
    def root(self) -> str:
        """A root URI inside the bucket: ``s3://<bucket>/lake``."""
        return f"s3://{self.name}/lake"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to reach the bucket, in the names that AWS clients read."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self) -> BaseClient:
        """A boto3 client for looking at the bucket from outside."""
        import boto3  # slow to import, and few tests need it

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
        )

    @property
    def airflow_connection(self) -> dict[str, str]:
        """The same as the Airflow connection ``aws_default``, for ``AIRFLOW_CONN_AWS_DEFAULT``."""
        connection = {
            "conn_type": "aws",
            "login": self.access_key,
            "password": self.secret_key,
            "extra": {
                "endpoint_url": self.endpoint_url,
                "region_name": "us-east-1",
                "config_kwargs": {"request_checksum_calculation": "when_required"},
            },
        }
        return {"AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection)}


def rclone() -> str | None:
    """The rclone of this virtual environment, else the one on the PATH, else None."""
    own = Path(sys.executable).with_name("rclone")
    return str(own) if own.exists() else shutil.which("rclone")


class S3Server:
    """Serves *folder* until closed; every test takes its own ``bucket()``."""

    def __init__(self, folder: Path, *, program: str) -> None:
        self.folder = folder
        self.access_key = "ticklake"
        self.secret_key = secrets.token_hex(16)
        self.log: list[str] = []
        self._data = folder / "buckets"
        self._data.mkdir(parents=True)
        self._endpoint_url: str | None = None
        self._started = threading.Event()
        self._process = subprocess.Popen(
            [
                program,
                "serve",
                "s3",
                "--addr",
                "127.0.0.1:0",
                "--config",
                "",
                "--allow-origin",
                "*",
                str(self._data),
            ],
            # The key travels in the environment: a process list shows arguments to everybody.
            env={**os.environ, "RCLONE_AUTH_KEY": f'"{self.access_key},{self.secret_key}"'},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()

    @property
    def endpoint_url(self) -> str:
        """``http://127.0.0.1:<port>``, as soon as the server has logged its port."""
        if not self._started.wait(START_LIMIT_S) or self._endpoint_url is None:
            raise RuntimeError(f"rclone serve s3 did not start: {''.join(self.log)}")
        return self._endpoint_url

    def bucket(self) -> Bucket:
        """A fresh, empty bucket."""
        name = f"test-{secrets.token_hex(6)}"
        bucket = Bucket(
            name=name,
            endpoint_url=self.endpoint_url,
            access_key=self.access_key,
            secret_key=self.secret_key,
            folder=self._data / name,
        )
        bucket.client().create_bucket(Bucket=name)
        return bucket

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=START_LIMIT_S)
        self._reader.join()

    def __enter__(self) -> S3Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read_log(self) -> None:
        # Read to the end: a pipe that nobody empties stops the server when it is full.
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self.log.append(line)
                if found := re.search(r"Starting s3 server on \[(http://[^/\]]+)", line):
                    self._endpoint_url = found[1]
                    self._started.set()
        self._started.set()
