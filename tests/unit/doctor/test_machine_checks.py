"""Python, libraries, the memory limit and the runner of this machine."""

from __future__ import annotations

import gc

import pytest

from include.ticklake.doctor import machine_checks
from include.ticklake.model.sizes import MIB


def by_name(diagnoses):
    return {each.check: each for each in diagnoses}


def test_the_tested_versions_are_ok():
    """These tests run with them."""
    checks = by_name(machine_checks.check_versions())
    assert (checks["python"].state, checks["libraries"].state) == ("ok", "ok")
    assert "as in requirements.lock" in checks["libraries"].text


def test_another_version_is_a_warning_that_names_it(tmp_path):
    """A library that was upgraded by hand."""
    lock = tmp_path / "requirements.lock"
    lock.write_text("pyarrow==1.0.0 \\\n    --hash=sha256:0\n")
    libraries = by_name(machine_checks.check_versions(lock))["libraries"]
    assert libraries.state == "warn"
    assert "(tested: 1.0.0)" in libraries.text


def test_without_a_lock_file_any_version_is_ok(tmp_path):
    """As in the converter's image."""
    checks = by_name(machine_checks.check_versions(tmp_path / "none"))
    assert "requirements.lock is not here" in checks["libraries"].text


def test_a_library_that_is_missing_fails(monkeypatch):
    """It is named."""
    monkeypatch.setattr(machine_checks, "LIBRARIES", ("pyarrow", "no-such-library"))
    libraries = by_name(machine_checks.check_versions())["libraries"]
    assert (libraries.state, libraries.text) == ("fail", "not installed: no-such-library")


def test_a_limit_holds_a_step_here():
    """A cgroup or RLIMIT_DATA, as CI has."""
    checks = by_name(machine_checks.check_memory_limit(128 * MIB))
    assert checks["memory limit"].state == "ok"
    assert "128 MiB" in checks["memory limit"].text


def test_a_limit_that_nothing_fits_in_fails():
    """Before a task finds out."""
    [only] = machine_checks.check_memory_limit(10 * MIB)
    assert (only.state, only.fix) == ("fail", "raise TICKLAKE_CAP")


def test_a_machine_that_cannot_limit_fails(monkeypatch):
    """Steps are refused there."""
    monkeypatch.setattr(machine_checks, "open_group", lambda _: None)
    monkeypatch.setattr(machine_checks, "open_data_limit", lambda _: None)
    limit = by_name(machine_checks.check_memory_limit(128 * MIB))["memory limit"]
    assert limit.state == "fail"
    assert "docker or kubernetes" in limit.fix


def test_little_memory_is_a_warning(monkeypatch):
    """The limit of the container around counts."""
    monkeypatch.setattr(machine_checks, "_limit_around_bytes", lambda: 200 * MIB)
    memory = by_name(machine_checks.check_memory_limit(128 * MIB))["memory"]
    assert (memory.state, "200 MiB" in memory.text) == ("warn", True)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_engine_that_is_not_there_fails(monkeypatch):
    """With how to reach it."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/docker.sock")
    [only] = machine_checks.check_runner({"TICKLAKE_RUNNER": "docker"})
    assert only.state == "fail"
    assert "DOCKER_HOST" in only.fix
    gc.collect()  # docker-py leaves its socket to it: here, and not in another test


@pytest.mark.parametrize("env", [{}, {"TICKLAKE_RUNNER": ""}, {"TICKLAKE_RUNNER": "process"}])
def test_the_runner_process_needs_no_engine(env):
    """It is the default."""
    [only] = machine_checks.check_runner(env)
    assert (only.state, only.text) == ("ok", "process")


def test_a_runner_that_does_not_exist_fails():
    """With those that do."""
    [only] = machine_checks.check_runner({"TICKLAKE_RUNNER": "dockr"})
    assert (only.state, only.text) == ("fail", "there is no runner 'dockr'")
    assert only.fix == "set TICKLAKE_RUNNER to one of process, docker, kubernetes"
