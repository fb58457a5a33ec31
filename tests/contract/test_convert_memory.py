"""Conversion stays under its hard cap, for few records and many, narrow ones and huge ones."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.ticklake.feed.feed import Feed
from include.ticklake.lake.storage import Storage
from include.ticklake.memory.capped_process import run_capped
from include.ticklake.memory.cgroups import open_group
from include.ticklake.model.sizes import MIB
from tests.support.staged_factory import FIELDS, WINDOW, feed, stage
from tools import trades

CAP_BYTES = 128 * MIB
REPOSITORY = Path(__file__).parents[2]

pytestmark = [pytest.mark.memory, pytest.mark.usefixtures("cgroup")]


@pytest.fixture(scope="module")
def cgroup() -> None:
    """What all of this needs."""
    group = open_group(CAP_BYTES)
    if group is None:
        pytest.skip("this process may make no memory cgroup")
    group.close()


def converted(described: Feed, key: str, storage: Storage, folder: Path) -> dict[str, Any]:
    """What the command line says of converting *key* in a process under the cap."""
    text = json.loads(described.model_dump_json(by_alias=True, exclude={"name", "window"}))
    (folder / "feeds").mkdir()
    (folder / "feeds" / f"{described.name}.yaml").write_text(yaml.safe_dump(text, sort_keys=False))
    said: list[str] = []
    argv = [sys.executable, "-m", "include.ticklake", "convert", storage.uri(key)]
    ended = run_capped(
        [*argv, "--root", storage.root_uri],
        cap_bytes=CAP_BYTES,
        env={"PYTHONPATH": str(REPOSITORY), "TICKLAKE_FEEDS": str(folder / "feeds")},
        on_line=said.append,
        mechanisms=["cgroup"],
    )
    assert ended.exit_code == 0, said
    found: dict[str, Any] = json.loads(next(line for line in said if '"rows"' in line))
    return found


def test_a_million_records_take_no_more_than_a_hundred_thousand(tmp_path):
    """A block and a row group are held, however many records there are."""
    peaks = []
    for rows in (100_000, 1_000_000):
        folder = tmp_path / str(rows)
        folder.mkdir()
        storage = Storage.open(f"file://{folder}/lake", {})
        made = trades.stage(storage, rows=rows)
        said = converted(trades.AGG_TRADES, made.key, storage, folder)
        assert said["rows"] == rows
        peaks.append(said["peak_bytes"])
    few, many = peaks
    assert many < few + 24 * MIB
    assert many < CAP_BYTES


WIDE = {
    f"c{n}": {"from": f"part{n % 6}.v{n}", "type": kind}
    for n, kind in enumerate(["decimal(28,10)", "int64", "decimal(18,8)", "string"] * 15)
}


def wide(rows: int) -> Iterator[str]:
    """Records of sixty values in six objects."""
    some = random.Random(7)
    for row in range(rows):
        parts: dict[str, dict[str, str | int]] = {f"part{n}": {} for n in range(6)}
        for n in range(0, 60, 4):
            parts[f"part{n % 6}"][f"v{n}"] = f"{some.randrange(10**12)}.{some.randrange(10**9)}"
            parts[f"part{(n + 1) % 6}"][f"v{n + 1}"] = some.randrange(10**15)
            parts[f"part{(n + 2) % 6}"][f"v{n + 2}"] = f"0.{some.randrange(10**8)}"
            parts[f"part{(n + 3) % 6}"][f"v{n + 3}"] = f"name {some.randrange(1000)}"
        yield json.dumps(parts | {"t": WINDOW.start_ms + row})


def huge(rows: int, length: int) -> Iterator[str]:
    """Records with a text of *length* letters; the last one is not good."""
    letters = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz", k=length))
    for row in range(rows):
        note = f"{letters[row:]}{letters[:row]}"
        number = row if row < rows - 1 else json.dumps(note)
        yield f'{{"n":{number},"s":"{note}","t":{WINDOW.start_ms + row}}}'


@pytest.mark.parametrize(
    ("described", "records", "refused"),
    [
        pytest.param(feed(WIDE | {"at": FIELDS["at"]}), wide(12_000), 0, id="sixty columns"),
        pytest.param(feed(), huge(60, 1_000_000), 1, id="a megabyte a record"),
        pytest.param(feed(), huge(12, 4_000_000), 1, id="the largest records allowed"),
        pytest.param(feed(FIELDS | {"kept": {"from": "part0", "type": "json"}}),
                     ('{"n":1,' + text[1:] for text in wide(12_000)), 0, id="raw JSON"),
    ],
)  # fmt: skip
def test_wide_and_huge_records_stay_under_the_cap(described, records, refused, tmp_path):
    """Row groups and blocks are bounded in bytes too."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    texts = list(records)
    per_part = max(1, 30_000_000 // len(texts[0]))
    parts = [texts[n : n + per_part] for n in range(0, len(texts), per_part)]
    made = stage(described, parts, storage=storage)
    said = converted(described, made.key, storage, tmp_path)
    assert said["rows"] == len(texts) - refused
    assert said["quarantined_rows"] == refused


def test_the_newest_first_takes_the_memory_of_one_part(tmp_path):
    """A part is turned round in memory, not the window."""
    newest_first = feed(order="descending")
    start = WINDOW.start_ms
    texts = [f'{{"n":{n},"p":"{n}.5","s":"note","t":{start + n // 200}}}' for n in range(600_000)]
    sent = texts[::-1]
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    made = stage(newest_first, [sent[:300_000], sent[300_000:]], storage=storage)
    said = converted(newest_first, made.key, storage, tmp_path)
    assert said["rows"] == 600_000
    assert said["sorted"]
