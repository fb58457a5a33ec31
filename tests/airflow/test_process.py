"""A capped step in a child process of its task: the real converter, and how it ends."""

from __future__ import annotations

import json

import pytest
import yaml

from include.ticklake.errors import OutOfMemoryError
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from tests.support.staged_factory import WINDOW, feed, stage

pytestmark = [
    pytest.mark.dag,
    pytest.mark.memory,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

LONG_BYTES = 80 * MIB


@pytest.fixture
def described(tmp_path, monkeypatch):
    """A feed that allows records which do not fit into its cap, and a lake to convert."""
    allowed = feed(limits={"max_record_bytes": "200MiB"}, cap="96MiB")
    text = json.loads(allowed.model_dump_json(by_alias=True, exclude={"name", "window"}))
    (tmp_path / "made_up.yaml").write_text(yaml.safe_dump(text, sort_keys=False))
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path))
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}/lake")
    return allowed


def test_the_record_that_memory_ran_out_over_is_named(described, tmp_path):
    """The message has the cap, the peak, the sizes in force, that record and the setting."""
    from include.operators.runners.process import CappedProcessOperator

    storage = Storage.open(f"file://{tmp_path}/lake", {})
    short = f'{{"n":1,"p":"1.5","s":"short","t":{WINDOW.start_ms}}}'
    long = f'{{"n":2,"p":"2.5","s":"{"x" * LONG_BYTES}","t":{WINDOW.start_ms}}}'
    made = stage(described, [[short] * 40_000, [long]], storage=storage)
    task = CappedProcessOperator(
        task_id="convert", feed=described.name, manifests=[storage.uri(made.key)]
    )
    with pytest.raises(OutOfMemoryError) as ended:
        task.execute({})
    message = str(ended.value)
    assert message.startswith("convert made_up: out of memory under its cap of 96 MiB (")
    assert "; peak " in message
    assert "sizes in force: blocks of 512 KiB, row groups of 65,536 rows or 4 MiB" in message
    told = message.partition("largest record so far ")[2]
    assert 10 < float(told.partition(" MiB ")[0]) <= LONG_BYTES / MIB
    assert f"(at byte 0 of {made.json.parts[1].key})" in told
    assert "raise TICKLAKE_CAP, or `cap` in the feed's file" in message
