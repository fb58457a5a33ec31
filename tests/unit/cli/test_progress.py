"""What a bar is sent; without one nothing is counted, wrapped or sent."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from include.ticklake.cli import progress
from include.ticklake.cli.terminal import BAR
from include.ticklake.lake.storage import Storage


@pytest.fixture
def sent(monkeypatch) -> Iterator[int]:
    """The end of a pipe that this process takes for its bar."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    monkeypatch.setenv(BAR, f"{os.getpid()} 0 {write_end} 2 -1")
    yield read_end
    os.close(read_end)
    os.close(write_end)


def updates(sent: int) -> list[dict[str, object]]:
    return [json.loads(line) for line in os.read(sent, 65536).splitlines()]


def test_each_item_is_sent_before_it_is_done(sent):
    """And the last update says that all are."""
    assert list(progress.track("ab", total=lambda: 2)) == ["a", "b"]
    assert updates(sent) == [
        {"done": 0, "total": 2, "part": 0, "note": "a"},
        {"done": 1, "total": 2, "part": 0, "note": "b"},
        {"done": 2, "total": 2, "part": 0, "note": ""},
    ]


def test_without_a_bar_nothing_is_counted(tmp_path):
    """A range of millions of units is not walked through twice."""
    assert list(progress.track("ab", total=lambda: 1 // 0)) == ["a", "b"]
    storage = Storage.open(f"file://{tmp_path}", {})
    assert progress.ReadMeter(storage).storage is storage


def test_what_is_read_of_a_unit_is_its_part(sent, tmp_path):
    """Only streams count; the store is the same in everything else."""
    storage = Storage.open(f"file://{tmp_path}", {})
    storage.put("a", b"x" * 100)
    meter = progress.ReadMeter(storage)
    meter.expect({"a": 100, "b": 100})
    with meter.storage.open_input("a") as stream:
        assert len(stream.read(50)) == 50
    assert updates(sent) == [{"part": 0.25}]
    assert meter.storage.read("a") == b"x" * 100
    meter.storage.learn_conditions("a", b"y")
    assert storage.store.has_conditions is True


def test_a_viewer_that_is_gone_is_no_failure(monkeypatch):
    """The command goes on without its bar."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    monkeypatch.setenv(BAR, f"{os.getpid()} 0 {write_end} 2 -1")
    progress.send(done=1)
    os.close(write_end)
