"""What a conversion is told, and what becomes of its answer."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from include.operators.runners import convert_step
from include.ticklake import errors
from include.ticklake.lake import layout
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import compact
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import split_range
from tests.support import lake_factory

ROOT = "s3://bucket/prefix"


def uris(count: int, length: int = 120) -> list[str]:
    return [f"{ROOT}/{number:0{length}d}.json" for number in range(count)]


def test_one_call_converts_a_batch():
    """Interpreter, module, manifests, root: nothing else, and no secret among them."""
    (argv,) = convert_step.argvs(uris(2), root_uri=ROOT, python="python")
    assert argv == ["python", "-m", "include.ticklake", "convert", *uris(2), "--root", ROOT]


def test_a_batch_that_no_kernel_would_take_is_several_calls():
    """Every manifest is in exactly one call, in order, and each call is short."""
    calls = list(convert_step.argvs(uris(5000), root_uri=ROOT, python="python"))
    assert [uri for call in calls for uri in call[4:-2]] == uris(5000)
    assert max(sum(len(word) + 1 for word in call) for call in calls) < 128 * 1024


@pytest.mark.parametrize("length", [10, 200_000], ids=["short", "longer than a call may be"])
def test_a_call_holds_at_least_one_manifest(length):
    """However long its name is."""
    calls = list(convert_step.argvs(uris(1, length), root_uri=ROOT))
    assert [call[4:-2] for call in calls] == [uris(1, length)]


def test_no_manifests_need_no_call():
    """A batch of windows that were never fetched starts no process."""
    assert list(convert_step.argvs([], root_uri=ROOT)) == []


def test_reports_are_counted_and_the_rest_is_for_the_log():
    """JSON lines add up; a peak is the greatest; of other lines the last ones are kept."""
    tally = convert_step.StepReport(cap_bytes=128)
    report = {"rows": 5, "quarantined_rows": 1, "json_bytes": 50, "parquet_bytes": 20}
    lines = (
        json.dumps(report | {"peak_bytes": 70}),
        "2026-11-22 INFO convert.done",
        json.dumps({"largest_record_bytes": 9, "largest_record_at": "byte 7 of json/x"}),
        json.dumps({"largest_record_bytes": 8, "largest_record_at": "byte 1 of json/y"}),
        json.dumps(report | {"peak_bytes": 60}),
        "{not json",
    )
    others = [line for line in lines if not tally.take(line)]
    assert tally.as_dict() == {
        "cap_bytes": 128,
        "manifests": 2,
        "rows": 10,
        "quarantined_rows": 2,
        "json_bytes": 100,
        "parquet_bytes": 40,
        "peak_bytes": 70,
        "largest_record_bytes": 9,
    }
    assert tally.largest_record_at == "byte 7 of json/x"
    assert others == list(tally.said) == ["2026-11-22 INFO convert.done", "{not json"]


@pytest.mark.parametrize(
    ("exit_code", "error"),
    [
        (1, errors.TicklakeError),
        (2, errors.UserError),
        (3, errors.RetryableError),
        (4, errors.DataError),
        (137, errors.OutOfMemoryError),
        (143, errors.TicklakeError),
    ],
)
def test_an_exit_code_is_the_error_that_it_stands_for(exit_code, error):
    """The message is the command line's own last words, all lines of them."""
    said = ["INFO convert.start", "ticklake: bars.yaml:3: window", "bars.yaml:4: slices"]
    with pytest.raises(error, match=r"code \d+: bars.yaml:3: window\nbars.yaml:4: slices$"):
        convert_step.raise_for(exit_code, said=said)


def test_a_silent_death_is_told_by_its_last_line():
    """A process that was killed says nothing for itself, and may be tried again."""
    with pytest.raises(errors.RetryableError, match=r"signal 11 .*: INFO convert\.start"):
        convert_step.raise_for(139, said=["INFO convert.start"])
    with pytest.raises(errors.RetryableError, match="it said nothing"):
        convert_step.raise_for(139, said=[])


def test_exit_code_nought_raises_nothing():
    """A warning on the way is no failure."""
    convert_step.raise_for(0, said=["ticklake: all well"])


def test_what_was_committed_is_counted_of_windows_and_of_whole_days(tmp_path):
    """A pod that compacts is asked for days; one that was not whole counts nothing."""
    storage = Storage.open(f"file://{tmp_path}", {})
    feed = lake_factory.FEED.model_copy(update={"window": timedelta(hours=12)})
    table = lake_factory.day_of_trades(300)
    halves = list(split_range(lake_factory.DAY.start, lake_factory.DAY.end, length=feed.window))
    made = [lake_factory.ingest(storage, table, window, feed=feed) for window in halves]
    compact.compact(
        feed, lake_factory.BTC, lake_factory.DAY, storage=storage, budgets=lake_factory.BUDGETS
    )

    def tally(*keys: str) -> tuple[int, int]:
        uris = [storage.uri(key) for key in keys]
        found = convert_step.committed(uris, root_uri=storage.root_uri, env={})
        return found.manifests, found.rows

    assert tally(made[0].key) == (1, made[0].parquet.rows)
    whole, other = (
        layout.day_manifest_key("trades", piece, lake_factory.DAY)
        for piece in (lake_factory.BTC, Slice.of({"symbol": "X"}))
    )
    assert tally(whole, other) == (1, table.num_rows)
