"""Run a case through extraction and conversion, and judge what came of it."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pyarrow import parquet as pq

from include.ticklake.convert.convert import convert
from include.ticklake.errors import TicklakeError
from include.ticklake.extract import extract
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.sources.retries import SourceRetryPolicy
from tests.support.converted_lake import SMALL_BUDGET
from tests.support.lying_api.answers import MOST_REQUESTS
from tests.support.lying_api.records import Row, inside
from tests.support.lying_api.scenario import Scenario
from tests.support.paging import END, WINDOW
from tests.support.servers.http import HttpServer

_UNIT = Unit(Slice(()), WINDOW)
_PATIENCE = SourceRetryPolicy(max_attempts=4, sleep=lambda _: None)


def try_out(scenario: Scenario, server: HttpServer, folder: Path) -> None:
    """Run the case; fail where records are missing or doubled, or what is legal was refused."""
    storage = Storage.open(f"file://{folder}", {})
    server.answer_by("/rows", scenario.api.answer)
    first = _run(scenario, server, storage)
    if scenario.api.died:
        assert first.error is not None
        _nothing_is_committed(storage)
        first = _run(scenario, server, storage)
        scenario.behaviours.note("an extraction that died was resumed")
    assert scenario.api.requests <= MOST_REQUESTS, "the paging does not end"
    _judge(scenario, first, storage)
    if first.error is None and (scenario.runs_twice or scenario.api.died):
        before = _objects(storage)
        scenario.api.restart()
        assert _run(scenario, server, storage).error is None
        # A source that writes the same in other bytes has other bytes staged.
        if "changed bytes on the retry" not in scenario.behaviours.counts:
            assert _objects(storage) == before, "a second run gave other bytes"
        scenario.behaviours.note("a second run")


@dataclass(frozen=True, kw_only=True)
class _RunResult:
    manifest: Manifest | None = None
    error: TicklakeError | None = None


def _run(scenario: Scenario, server: HttpServer, storage: Storage) -> _RunResult:
    """Extract and convert; an error that is not one of ours fails the test as it is."""
    try:
        staged = extract.extract(
            scenario.feed, _UNIT, storage=storage, base_url=server.url, patience=_PATIENCE,
            clock=lambda: END / 1000 + 7200,
        ).manifest  # fmt: skip
        key = staged.key
        committed = convert(key, feed=scenario.feed, storage=storage, budget=SMALL_BUDGET).manifest
    except TicklakeError as error:
        return _RunResult(error=error)
    return _RunResult(manifest=committed)


def _judge(scenario: Scenario, result: _RunResult, storage: Storage) -> None:
    lies = scenario.behaviours.told_lies
    if result.error is not None:
        if not lies:
            raise AssertionError(f"what is legal was refused: {result.error}")
        _nothing_is_committed(storage)
        return
    assert result.manifest is not None
    rows = _stored(result.manifest, storage)
    # One that lost its time is in the window for those who get to see it.
    expected = [row for row in inside(scenario.rows)
                if isinstance(row["t"], int) or row["id"] in scenario.api.served_ids]  # fmt: skip
    if lost := result.manifest.json.lost_range:  # it says itself what it lacks
        expected = [row for row in expected if not _is_in(row, lost) or row in rows]
    if "a key with two values" in lies and scenario.feed.key:
        _has_each_key(rows, expected)
    elif "ignored parameter, moving prices" in lies:  # of which any may be stored, once
        assert sorted(row["id"] for row in rows) == sorted(row["id"] for row in expected)
    else:
        assert _counted(rows) == _counted(expected), f"after {lies or 'nothing but legal pages'}"


def _nothing_is_committed(storage: Storage) -> None:
    """No manifest names Parquet; one whose conversion failed names JSON at most."""
    for key in storage.list("manifests"):
        assert json.loads(storage.read(key) or b"{}").get("parquet") is None


def _stored(committed: Manifest, storage: Storage) -> list[Row]:
    """The rows of the Parquet, and the records of the quarantine beside it."""
    section = committed.require_parquet()
    rows = []
    if section.key:
        with storage.open_file(section.key) as source:
            table = pq.ParquetFile(source).read(columns=["id", "t", "price"])
        at = table.schema.get_field_index("t")
        rows = table.set_column(at, "t", table.column(at).cast("int64")).to_pylist()
    assert len(rows) == section.rows
    for key in storage.list("quarantine"):
        for line in gzip.decompress(storage.read(key) or b"").splitlines():
            rows.append(json.loads(json.loads(line)["record"]))
    return rows


def _has_each_key(rows: list[Row], expected: list[Row]) -> None:
    """Each key once at least, with a value that was served, and no record twice."""
    assert {row["id"] for row in rows} == {row["id"] for row in expected}
    assert not _counted(rows) - _counted(expected)


def _counted(rows: list[Row]) -> Counter[str]:
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


def _is_in(row: Row, lost_ns: tuple[int, int]) -> bool:
    return isinstance(row["t"], int) and lost_ns[0] <= row["t"] * 10**6 < lost_ns[1]


def _objects(storage: Storage) -> dict[str, bytes]:
    """What two runs over the same records have in common."""
    areas = ("parquet", "json", "quarantine")
    return {key: storage.read(key) or b"" for area in areas for key in storage.list(area)}
