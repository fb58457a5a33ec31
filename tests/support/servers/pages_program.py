"""Airflow's whole application (``create_app``) on a free port, whose address it prints.

So its pages, its REST API, its cookie and its rights are the real ones. Of its auth manager one
thing is changed: the user ``apart`` has no right to one DAG, for Airflow's simple one knows no
rights to single DAGs.
"""

from __future__ import annotations

import os
import socket

import uvicorn

os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"  # as Airflow's own program of the API server does

from airflow.api_fastapi.app import create_app
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import (
    SimpleAuthManager,
)

HIDDEN_DAG = "TICKLAKE_TEST_HIDDEN_DAG"
"""The variable that names the DAG that ``apart`` may not see."""


class HidingAuthManager(SimpleAuthManager):
    """Airflow's simple auth manager, and one DAG that one user may not see."""

    def is_authorized_dag(self, *, user, details=None, **kwargs):
        if user.username == "apart" and details and details.id == os.environ[HIDDEN_DAG]:
            return False
        return super().is_authorized_dag(user=user, details=details, **kwargs)


def main() -> None:
    """Serve on a free port, and print the address."""
    app = create_app(apps="core")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        os.dup2(2, 1)  # nobody reads the pipe from now on
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main()
