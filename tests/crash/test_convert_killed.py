"""Killed at any step of its work and begun again, a conversion leaves what it leaves unkilled."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from include.ticklake.convert.budget import budget_for
from include.ticklake.convert.convert import convert
from include.ticklake.lake.local_disk import LocalDisk
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from tests.support.staged_factory import feed, record, stage

FEED = feed()
BUDGET = replace(budget_for(128 * MIB), block_bytes=2_000, row_group_rows=300, workers=1)
REPOSITORY = Path(__file__).parents[2]


class KilledDisk(LocalDisk):
    """A disk at whose Nth step the process dies, as by a power cut."""

    steps_left = 10**9

    def step(self) -> None:
        """One more step."""
        if KilledDisk.steps_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        KilledDisk.steps_left -= 1

    def open_output(self, key: str, *, metadata: Mapping[str, str]) -> Any:
        self.step()
        return KilledStream(self, super().open_output(key, metadata=metadata))

    def _rename(self, source: str, target: str) -> None:
        self.step()
        super()._rename(source, target)
        self.step()

    def delete(self, key: str) -> None:
        self.step()
        super().delete(key)


class KilledStream:
    """A stream of which every write is a step."""

    def __init__(self, disk: KilledDisk, stream: Any) -> None:
        self._disk = disk
        self._stream = stream

    def write(self, data: Any) -> int:
        self._disk.step()
        return int(self._stream.write(data))

    def close(self) -> None:
        self._disk.step()
        self._stream.close()
        self._disk.step()

    def abort(self) -> None:
        self._stream.abort()

    def __enter__(self) -> KilledStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def nursery(root_uri: str, key: str) -> None:
    """For each number on a line: convert in a child that dies at that step; say how it ended."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            storage = Storage(root_uri, KilledDisk(root_uri.removeprefix("file://")))
            KilledDisk.steps_left = int(line)
            convert(key, feed=FEED, storage=storage, budget=BUDGET)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


@pytest.fixture
def dies_at(tmp_path) -> Iterator[Callable[[str, int], int]]:
    """A function that converts in a process that dies at a step; how it ended."""
    started: list[subprocess.Popen[str]] = []

    def ask(key: str, steps: int) -> int:
        if not started:
            root_uri = f"file://{tmp_path}/lake"
            code = f"from {__name__} import nursery; nursery({root_uri!r}, {key!r})"
            env = {"PYTHONPATH": str(REPOSITORY), "PATH": os.environ["PATH"]}
            asked = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            started.append(subprocess.Popen([sys.executable, "-c", code], env=env, **asked))
        process = started[0]
        print(steps, file=process.stdin, flush=True)
        return int(process.stdout.readline())

    yield ask
    for process in started:
        process.communicate(timeout=60)


def seen(storage: Storage) -> dict[str, bytes]:
    """What readers may look at: every object but unfinished ones."""
    keys = [key for key in storage.list("") if not key.startswith("_incomplete/")]
    return {key: storage.read(key) or b"" for key in keys}


@pytest.mark.parametrize("newer", ["more rows", "no rows"])
def test_killed_at_any_step_and_begun_again_it_ends_the_same(tmp_path, dies_at, newer):
    """After each kill a reader has the old objects or the new; after the next run only the new."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    made = stage(FEED, [[record(1), "[]", record(2)]], storage=storage)
    convert(made.key, feed=FEED, storage=storage, budget=BUDGET)
    records = [record(n) if n % 97 else "[]" for n in range(1, 400)]
    stage(FEED, [records if newer == "more rows" else ["{}"]], storage=storage)
    shutil.copytree(tmp_path / "lake", tmp_path / "before")
    before = seen(storage)
    convert(made.key, feed=FEED, storage=storage, budget=BUDGET)
    after = seen(storage)

    for steps in count():
        shutil.rmtree(tmp_path / "lake")
        shutil.copytree(tmp_path / "before", tmp_path / "lake")
        status = dies_at(made.key, steps)
        left = seen(storage)
        for key in before | after:
            assert left.get(key) in (before.get(key), after.get(key)), (steps, key)
        if left[made.key] == after[made.key]:
            assert left.items() >= after.items()
        convert(made.key, feed=FEED, storage=storage, budget=BUDGET)
        assert seen(storage) == after
        if status == 0:
            assert steps > 10
            return
        assert status == -signal.SIGKILL
