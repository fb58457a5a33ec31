"""The checks of Airflow run in a Python of their own; tests/airflow has what they say."""

from __future__ import annotations

import json
import sys

import pytest

from include.ticklake.cli.main import main


def test_a_python_without_airflow_is_named(tmp_path, capsys):
    """As the converter's image, or an environment of one's own."""
    (tmp_path / "airflow.py").write_text("raise ImportError('no airflow here')")
    python = tmp_path / "python"
    script = f'#!/bin/sh\nPYTHONPATH={tmp_path}:$PYTHONPATH exec {sys.executable} "$@"\n'
    python.write_text(script)
    python.chmod(0o755)
    assert main(["doctor", "--airflow", "--python", str(python), "--json"]) == 2
    [only] = json.loads(capsys.readouterr().out)
    assert (only["check"], only["state"]) == ("airflow", "fail")
    assert "cannot import it: no airflow here" in only["text"]
    assert "--python /path/to/python" in only["fix"]


def test_checks_that_stop_are_a_failure(tmp_path, capsys):
    """Whatever that Python says last."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'out of everything' >&2\nexit 3\n")
    python.chmod(0o755)
    assert main(["doctor", "--airflow", "--python", str(python)]) == 2
    assert "the checks stopped: out of everything" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--python", "/no/such/python"], "add --airflow"),
        (["--airflow", "--python", "/no/such/python"], "name Airflow's Python"),
    ],
)
def test_a_wrong_python_is_a_wrong_argument(argv, message, capsys):
    """Exit 2, as for every other."""
    assert main(["doctor", *argv]) == 2
    assert message in capsys.readouterr().err
