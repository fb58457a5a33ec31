"""A real S3 server on loopback that honours conditional writes: moto's, in a process of its own.

It answers one request at a time, because moto compares a version and replaces it in two steps; and
it lists its requests, so that they are counted at the server. ``python -m tools.servers.moto``
is the program.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from tools.servers.s3 import START_LIMIT_S, Bucket

REQUESTS = "/_requests"
"""The path that answers with the requests since it was asked before."""


class MotoServer:
    """Serves until closed; every test takes its own ``bucket()``."""

    def __init__(self, *, wait_s: float = 0) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tools.servers.moto", str(wait_s)],
            env={**os.environ, "MOTO_ENABLE_ISO_REGIONS": "false"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        timer = threading.Timer(START_LIMIT_S, self._process.kill)
        timer.start()
        self.endpoint_url = self._process.stdout.readline().strip()
        timer.cancel()
        if not self.endpoint_url:
            raise RuntimeError("moto's server did not start")

    def bucket(self) -> Bucket:
        """A fresh, empty bucket."""
        bucket = Bucket(
            name=f"test-{secrets.token_hex(6)}",
            endpoint_url=self.endpoint_url,
            access_key="ticklake",
            secret_key=secrets.token_hex(16),
        )
        bucket.client().create_bucket(Bucket=bucket.name)
        self.requests()
        return bucket

    def requests(self) -> list[str]:
        """The requests since this was called before, such as ``PUT /bucket/key``."""
        with urllib.request.urlopen(f"{self.endpoint_url}{REQUESTS}") as answer:  # noqa: S310
            listed: list[str] = json.load(answer)
        return listed

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=START_LIMIT_S)
        if self._process.stdout:
            self._process.stdout.close()

    def __enter__(self) -> MotoServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class CountingApp:
    """moto's application behind a lock and a list of its requests.

    Each takes *wait_s* longer, as over a network: those of several connections wait side by side.
    """

    def __init__(self, app: Any, *, wait_s: float) -> None:  # noqa: ANN401 - a WSGI application
        self._app = app
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._requests: list[str] = []

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:  # noqa: ANN401
        """Answer one request, whole, before the next one."""
        time.sleep(self._wait_s)
        with self._lock:
            if environ["PATH_INFO"] == REQUESTS:
                body, self._requests = json.dumps(self._requests).encode(), []
                start("200 OK", [("Content-Type", "application/json")])
                return [body]
            query = environ.get("QUERY_STRING")
            path = environ["PATH_INFO"] + (f"?{query}" if query else "")
            self._requests.append(f"{environ['REQUEST_METHOD']} {path}")
            return list(self._app(environ, start))


def main() -> None:
    """Serve on a free port, whose address is the first line of stdout."""
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    wait_s = float(sys.argv[1])
    app = CountingApp(DomainDispatcherApplication(create_backend_app), wait_s=wait_s)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    os.environ["MOTO_PORT"] = str(server.server_port)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
