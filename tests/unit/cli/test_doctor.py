"""``doctor`` prints how everything is, and how to fix it."""

from __future__ import annotations

import json

import pytest

from include.ticklake.cli import doctor
from include.ticklake.cli.main import main
from include.ticklake.doctor.diagnosis import Diagnosis


@pytest.fixture(autouse=True)
def _lake(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}/lake")
    monkeypatch.delenv("TICKLAKE_FEEDS", raising=False)


def test_every_check_is_in_one_json_value(capsys):
    """In the order in which they are made; nothing is sent to a source."""
    assert main(["doctor", "--json"]) == 0
    checks = json.loads(capsys.readouterr().out)
    assert [check["check"] for check in checks] == [
        "python", "libraries", "memory limit", "memory", "runner", "feeds", "root",
        "conditional writes", "clock", "rights", "disk",
    ]  # fmt: skip
    assert {check["state"] for check in checks} <= {"ok", "warn"}


def test_what_fails_has_its_fix_on_the_next_line(capsys, monkeypatch):
    """And the exit code is 2."""
    monkeypatch.setenv("TICKLAKE_CAP", "10MiB")
    assert main(["doctor"]) == 2
    lines = capsys.readouterr().out.splitlines()
    failed = next(n for n, line in enumerate(lines) if line.startswith("fail"))
    assert "memory limit" in lines[failed]
    assert lines[failed + 1].strip() == "fix: raise TICKLAKE_CAP"
    assert lines[-1].startswith("1 of ")


@pytest.mark.parametrize(
    ("states", "summary"),
    [
        (["ok", "ok"], "all 2 checks are ok"),
        (["ok", "warn"], "nothing failed; 1 of 2 warn"),
        (["fail", "warn"], "1 of 2 checks failed"),
    ],
)
def test_the_last_line_sums_up(states, summary):
    """The worst decides."""
    done = [Diagnosis(check="x", state=state, text="y") for state in states]
    assert doctor._summary(done) == summary


def test_the_hosts_are_asked_on_request(capsys, http_server, monkeypatch):
    """All of them are the replay here."""
    http_server.answer("/", b"")
    monkeypatch.setenv("TICKLAKE_BASE_URL", http_server.url)
    assert main(["doctor", "--network", "--json"]) == 0
    *_, last = json.loads(capsys.readouterr().out)
    assert (last["check"], last["state"]) == ("network", "ok")
    assert len(http_server.asked) == 1
