"""Starts the checks of an Airflow in its own Python: the core never imports Airflow."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from include.ticklake.errors import UsageError

if TYPE_CHECKING:
    from include.ticklake.doctor.diagnosis import Diagnosis

REPOSITORY = Path(__file__).parents[3]
_TIMEOUT_S = 180
OWN_PATH = "_TICKLAKE_CALLERS_PYTHONPATH"
"""What Airflow's processes have; ours has the repository before it."""


def check_airflow(python: str) -> Iterator[Diagnosis]:
    """Yield what ``include.operators.doctor`` says of the Airflow of *python*."""
    from include.ticklake.doctor.diagnosis import Diagnosis

    if not (REPOSITORY / "include" / "operators").is_dir():
        raise UsageError("doctor --airflow: run it from a checkout of ticklake")
    callers = os.environ.get("PYTHONPATH", "")
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(REPOSITORY), callers])),
        OWN_PATH: callers,
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    }
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"  # Airflow and its plugins print to stdout
        argv = [python, "-P", "-m", "include.operators.doctor", str(report)]
        try:
            ended = subprocess.run(
                argv, env=env, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
            )
        except OSError as error:
            raise UsageError(
                f"--python {python}: {error.strerror}; name Airflow's Python"
            ) from None
        except subprocess.TimeoutExpired:
            raise UsageError(
                f"doctor --airflow: no end after {_TIMEOUT_S} s; is Airflow's database reachable?"
            ) from None
        lines = report.read_text("utf-8").splitlines() if report.exists() else []
    yield from (Diagnosis(**json.loads(line)) for line in lines)
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["no message"])[-1]
        yield Diagnosis.fail(
            "airflow", f"the checks stopped: {last}", f"run {python} -m airflow info, and read on"
        )
