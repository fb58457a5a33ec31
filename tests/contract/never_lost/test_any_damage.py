"""Whatever becomes of an object, each command says so in words, and no record is lost."""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pyarrow import parquet as pq

from include.ticklake.convert.convert import convert
from include.ticklake.errors import CorruptManifestError, CorruptParquetError
from include.ticklake.lake import layout, manifest, read
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import compact
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, split_range
from tests.support import manifests, staged_factory
from tests.support.day_lake import Ended, run_command
from tests.support.lake_factory import BTC, BUDGET, DAY

NEWEST_ONLY = {"kind": "newest_only", "page_rows": 1000}
FEED = staged_factory.feed(
    window="6h", source=staged_factory.SOURCE | {"paging": NEWEST_ONLY}, retention={"json": "9000d"}
)
NEXT_DAY = Window(DAY.end, DAY.end + timedelta(days=1))
"""The first day is compacted."""
WINDOWS = [*split_range(DAY.start, NEXT_DAY.end, length=FEED.window)]
RANGE = ("--start", "2026-11-22", "--end", "2026-11-24")
COMMANDS = [
    ("audit", *RANGE),
    ("audit", *RANGE, "--repair"),
    ("compact", *RANGE),
    ("rebuild", *RANGE),
    ("publish", *RANGE),
    ("retry-quarantine", *RANGE),
    ("retention",),
]


def stage(storage: Storage, number: int, *, rows: int) -> None:
    """Stage and convert records of a window, in two parts; one does not fit the fields."""
    window = WINDOWS[number]
    texts = [
        staged_factory.record(number * 100 + row, at_ms=window.start_ms + row * 1_000)
        for row in range(rows)
    ]
    texts.append(texts[-1].replace('"p":"', '"p":"x'))
    staged = staged_factory.stage(
        FEED, [texts[:3], texts[3:]], storage=storage, unit=Unit(BTC, window)
    )
    convert(staged.key, feed=FEED, storage=storage, budget=BUDGET)


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Path:
    """A compacted day with a pending window, and a day of windows; one has no JSON any more."""
    folder = tmp_path_factory.mktemp("lake")
    storage = Storage.open(f"file://{folder}", {})
    for number in range(len(WINDOWS)):
        stage(storage, number, rows=5)
    compact.compact(FEED, BTC, DAY, storage=storage, budget=BUDGET)
    stage(storage, 1, rows=7)
    retired = manifest.read(layout.manifest_key(FEED.name, BTC, WINDOWS[6]), storage=storage)
    assert retired is not None
    for part in retired.json.parts:
        storage.delete(part.key)
    manifests.put(replace(retired, json=replace(retired.json, removed=True)), storage=storage)
    return folder


@pytest.fixture
def feeds(tmp_path, monkeypatch) -> None:
    """The feed's file."""
    described = FEED.model_dump(mode="json", by_alias=True, exclude_unset=True)
    described.pop("name")
    (tmp_path / f"{FEED.name}.yaml").write_text(json.dumps(described))
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path))


def flipped(body: bytes, at: float, mask: int) -> bytes:
    """*body* with one byte changed."""
    changed = bytearray(body or b"x")
    changed[min(int(at * len(changed)), len(changed) - 1)] ^= mask
    return bytes(changed)


def damages() -> st.SearchStrategy[tuple[str, float, int]]:
    """What becomes of an object."""
    kinds = ["flip", "flip", "flip a digit", "cut", "empty", "zeros", "another", "gone"]
    return st.tuples(st.sampled_from(kinds), st.floats(0, 1), st.integers(1, 255))


def damage(storage: Storage, which: float, how: tuple[str, float, int]) -> str:
    """Damage one object, and return its key."""
    keys = [key for key in storage.list("") if not key.startswith("_incomplete/")]
    key = keys[min(int(which * len(keys)), len(keys) - 1)]
    kind, at, mask = how
    body = storage.read(key) or b""
    digits = [place for place, byte in enumerate(body) if 48 <= byte <= 57]
    if kind == "gone":
        storage.delete(key)
    elif kind == "flip a digit" and digits:
        place = digits[min(int(at * len(digits)), len(digits) - 1)]
        storage.put(key, body[:place] + b"%d" % (mask % 10) + body[place + 1 :])
    else:
        other = keys[min(int(at * len(keys)), len(keys) - 1)]
        changed = {
            "cut": body[: int(at * len(body))],
            "empty": b"",
            "zeros": bytes(len(body)),
            "another": storage.read(other) or b"",
        }.get(kind)
        storage.put(key, flipped(body, at, mask) if changed is None else changed)
    return key


def stored_records(storage: Storage) -> set[tuple[int, str]]:
    """Every record that is in an object which can be read: whether a manifest names it or not."""
    found: set[tuple[int, str]] = set()
    for key in storage.list("json"):
        try:
            rows = json.loads(gzip.decompress(storage.read(key) or b""))
            found |= {(row["n"], row["p"]) for row in rows}
        except (OSError, EOFError, ValueError, zlib.error, TypeError, KeyError):
            continue
    for area in ("parquet", "late"):
        for key in storage.list(area):
            try:
                with storage.open_file(key) as opened:
                    table = pq.ParquetFile(opened).read(["number", "price"])
            except (OSError, pa.ArrowException):
                continue
            found |= set(
                zip(table["number"].to_pylist(), map(str, table["price"].to_pylist()), strict=True)
            )
    return found


def seen_records(storage: Storage) -> list[tuple[int, str]]:
    """What a reader that may skip sees."""
    table = read.table(FEED, storage=storage, columns=["number", "price"], on_error="skip")
    prices = map(str, table["price"].to_pylist())
    return list(zip(table["number"].to_pylist(), prices, strict=True))


def error_of_scan(storage: Storage) -> str:
    """What a reader that may not skip gets besides its rows."""
    try:
        read.table(FEED, storage=storage)
    except (CorruptManifestError, CorruptParquetError, FileNotFoundError) as error:
        names_a_unit = any(start in str(error) for start in ("20261122T", "20261123T"))
        return "names a unit" if names_a_unit else str(error)
    return ""


def problems(ended: Ended, key: str) -> Iterator[str]:
    """What is wrong with how a command ended."""
    text = ended.out + ended.err
    if ended.code not in (0, 2, 4):
        yield f"exit {ended.code}: {text}"
    if "Traceback" in text:
        yield text
    if ended.code and layout.window_name(key) not in text and key not in text:
        days = {layout.day_of(window).name for window in WINDOWS}
        names = {window.name for window in WINDOWS} | days
        if not any(name in text for name in names):
            yield f"no unit is named: {text}"


@pytest.mark.usefixtures("feeds")
class TestAnyDamage:
    """One lake, damaged in every way."""

    @settings(max_examples=40)
    @given(
        which=st.floats(0, 1),
        how=damages(),
        commands=st.lists(st.sampled_from(COMMANDS), min_size=1, max_size=3),
    )
    def test_each_command_ends_in_words_and_no_readable_record_is_lost(
        self, lake, which, how, commands
    ):
        """With 0, 2 or 4, and with the name of a unit where it did not end well."""
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(lake, f"{folder}/lake")
            storage = Storage.open(f"file://{folder}/lake", {})
            key = damage(storage, which, how)
            stored, seen = stored_records(storage), seen_records(storage)
            assert error_of_scan(storage) in ("", "names a unit")
            for command in commands:
                argv = (command[0], FEED.name, *command[1:], "--root", storage.root_uri)
                assert list(problems(run_command(*argv), key)) == []
                assert stored <= stored_records(storage)
                now = seen_records(storage)
                assert set(seen) <= set(now)
                assert len(now) == len(set(now))
