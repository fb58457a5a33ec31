"""An extraction under a memory limit fetches what the worker does, and fails in the same way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from include.operators.runners import step_memory
from include.ticklake.errors import (
    DataError,
    OutOfMemoryError,
    RateLimitedError,
    SourceRefusedError,
    SourceUnavailableError,
    UsageError,
)
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.messages import ExtractDone, encode
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window
from tests.support.lake_objects import lake_objects
from tests.support.rate_limits import forget_bans
from tests.support.servers.http import ReceivedRequest, Reply

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

CANARY = "canary-K3y"
WINDOW = "20261122T050000Z-20261122T060000Z"
START_MS = Window.parse(WINDOW).start_ms
UNITS = [{"slice": {"symbol": f"S{number}"}, "window": WINDOW} for number in range(5)]

FEED = """
source:
  kind: http
  base_url: {url}
  path: /rows
  params: {{symbol: "{{symbol}}"}}
  auth: {{kind: bearer, connection: rows_api}}
slices: {{symbol: [S0, S1, S2, S3, S4]}}
limits: {{attempts: 1, max_record_bytes: 200MiB}}
cap: 96MiB
fields:
  id: {{type: int64, key: true}}
  note: {{type: string}}
  at: {{from: t, type: timestamp, unit: ms, event_time: true}}
"""


@dataclass
class Store:
    """Airflow's task state store, which outlives a try."""

    kept: dict[str, Any] = field(default_factory=dict)

    def get(self, key: str) -> Any:
        """What was set, or None."""
        return self.kept.get(key)

    def set(self, key: str, value: Any) -> None:
        """Keep it."""
        self.kept[key] = value

    def delete(self, key: str) -> None:
        """Forget it."""
        self.kept.pop(key, None)


@pytest.fixture
def source(http_server, tmp_path, monkeypatch):
    """An API of five symbols that requires a key, its feed, and a lake."""
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "rows.yaml").write_text(FEED.format(url=http_server.url))
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}/limited")
    login = json.dumps({"conn_type": "http", "password": CANARY})
    monkeypatch.setenv("AIRFLOW_CONN_ROWS_API", login)
    http_server.answer_by("/rows", good)
    return http_server


def good(asked: ReceivedRequest) -> Reply:
    """Two records of a symbol, for a caller that has the key."""
    if asked.headers.get("authorization") != f"Bearer {CANARY}":
        return Reply(status=401)
    number = int(asked.params["symbol"][1:])
    rows = [{"id": 2 * number + n, "note": "so", "t": START_MS + n} for n in range(2)]
    return Reply(body=json.dumps(rows).encode())


def bad_from(symbol: str, reply: Reply):
    """``good``, but for one symbol."""
    return lambda asked: reply if asked.params["symbol"] == symbol else good(asked)


def task(**more: Any):
    """The task over all five."""
    from include.operators.runners.process import ProcessStepOperator

    return ProcessStepOperator(task_id="extract", feed="rows", step="extract", units=UNITS, **more)


class PushedXcoms:
    """Keeps what an extraction says of its memory."""

    def xcom_push(self, *, key: str, value: dict[str, int]) -> None:
        assert key == step_memory.MEMORY
        self.pushed = value


@pytest.mark.usefixtures("source")
def test_it_leaves_what_the_worker_leaves(tmp_path, monkeypatch):
    """The same objects, byte for byte, and the same result for the next task."""
    from include.operators.extract import ExtractOperator

    limited, unlimited = PushedXcoms(), PushedXcoms()
    uris = task().execute({"task_state_store": Store(), "ti": limited})
    storage = Storage.open(f"file://{tmp_path}/limited", {})
    window = Window.parse(WINDOW)
    keys = [layout.manifest_key("rows", Slice.of(unit["slice"]), window) for unit in UNITS]
    assert uris == [storage.uri(key) for key in keys]
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}/worker")
    in_worker = ExtractOperator(task_id="extract", feed="rows", units=UNITS)
    in_worker.execute({"task_state_store": Store(), "ti": unlimited})
    for taken in (limited.pushed, unlimited.pushed):
        assert taken["manifests"] == len(UNITS)
        assert taken["rows"] > 0
        assert taken["peak_bytes"] > 0
    assert limited.pushed["cap_bytes"] > 0
    assert unlimited.pushed["cap_bytes"] == 0
    assert lake_objects(tmp_path / "limited") == lake_objects(tmp_path / "worker") != {}


def test_a_long_wait_goes_back_to_the_scheduler_and_the_retry_goes_on(source):
    """The very seconds of ``Retry-After``; what was committed is not fetched again."""
    store = Store()
    ban = Reply(status=429, headers={"Retry-After": "7200"})
    source.answer_by("/rows", bad_from("S3", ban))
    with pytest.raises(RateLimitedError) as limited:
        task().execute({"task_state_store": store})
    assert limited.value.retry_after_s == 7200
    assert symbols(source) == ["S0", "S1", "S2", "S3"]
    source.asked.clear()
    source.answer_by("/rows", good)
    with pytest.raises(RateLimitedError):  # every worker of the machine keeps to the wait
        task().execute({"task_state_store": store})
    assert symbols(source) == []
    forget_bans()
    assert len(task().execute({"task_state_store": store})) == len(UNITS)
    assert symbols(source) == ["S3", "S4"]
    assert store.kept == {}


@pytest.mark.parametrize("runner", ["process", "worker"])
def test_a_unit_that_fails_does_not_stop_the_others_and_a_retry_fetches_only_it(source, runner):
    """The task fails with the list; a retry may solve what failed in one of them."""
    from include.operators.extract import ExtractOperator

    def execute(store: Store) -> list[str]:
        in_worker = ExtractOperator(task_id="extract", feed="rows", units=UNITS)
        operator = in_worker if runner == "worker" else task()
        return operator.execute({"task_state_store": store})

    store, delisted, down = Store(), Reply(status=400), Reply(status=503)
    source.answer_by("/rows", lambda asked: {"S1": delisted, "S3": down}.get(
        asked.params["symbol"]) or good(asked))  # fmt: skip
    with pytest.raises(SourceUnavailableError) as raised:
        execute(store)
    first, *failures = str(raised.value).splitlines()
    assert first == "2 of 5 units failed, and the others are done:"
    assert [line.split()[0] for line in failures] == ["symbol=S1", "symbol=S3"]
    assert sorted(symbols(source)) == ["S0", "S1", "S2", "S3", "S4"]  # side by side, in any order
    source.asked.clear()
    source.answer_by("/rows", bad_from("S1", delisted))
    with pytest.raises(SourceRefusedError, match="1 of 2 units failed"):
        execute(store)
    assert sorted(symbols(source)) == ["S1", "S3"]
    source.asked.clear()
    source.answer_by("/rows", good)
    assert len(execute(store)) == len(UNITS)
    assert symbols(source) == ["S1"]
    assert store.kept == {}


def symbols(source) -> list[str]:
    """For which symbols the source was asked, in order."""
    return [asked.params["symbol"] for asked in source.asked]


def test_a_refusal_is_raised_as_one(source):
    """It is not taken for a failure that a retry may solve, though the exit code is the same."""
    source.answer_by("/rows", bad_from("S1", Reply(status=400)))
    with pytest.raises(SourceRefusedError, match=r"HTTP 400 .*; check the feed's path, parameters"):
        task().execute({"task_state_store": Store()})


def test_out_of_memory_says_what_a_page_may_hold(source):
    """A record that is allowed, but does not fit into the cap."""
    long = json.dumps([{"id": 1, "note": "x" * 150_000_000, "t": START_MS}]).encode()
    source.answer_by("/rows", bad_from("S2", Reply(body=long)))
    store = Store()
    with pytest.raises(OutOfMemoryError) as ended:
        task().execute({"task_state_store": store})
    message = str(ended.value)
    assert message.startswith("extract rows: out of memory at its limit of 96 MiB (")
    assert "records of up to 200 MiB (`limits.max_record_bytes` in the feed's file)" in message
    assert store.kept["progress"]["units"] == 2


@pytest.mark.usefixtures("source")
def test_a_login_is_in_no_argv_log_or_field(caplog):
    """It goes from Airflow's connection into the child's environment, and nowhere else."""
    operator = task()
    with caplog.at_level("DEBUG"):
        operator.execute({"task_state_store": Store()})
    shown = {name: getattr(operator, name) for name in operator.template_fields}
    step = operator.open_step({"task_state_store": Store()})
    argvs = list(step.argvs(root_uri="file:///lake"))
    assert len(argvs) == 1
    assert CANARY not in f"{argvs} {shown} {caplog.text}"
    assert list(step.secrets()) == ["AIRFLOW_CONN_ROWS_API"]


def test_another_batch_is_fetched_from_its_beginning(source):
    """Progress counts only for a batch with exactly the same units."""
    store = Store({"progress": {"batch": "another", "units": 4}})
    task().execute({"task_state_store": store})
    assert sorted(symbols(source)) == ["S0", "S1", "S2", "S3", "S4"]  # side by side, in any order


def lines(*messages) -> list[str]:
    """Each message as a step writes it."""
    return [encode(message) for message in messages]


@pytest.mark.usefixtures("source")
def test_every_window_that_is_reported_is_progress_and_no_other_line_is():
    """A library that logs JSON is passed on as log, whatever keys it has."""
    step = task().open_step({"task_state_store": Store()})
    done, again = (ExtractDone(
        manifest=uri, pages=1, received_rows=2, rows=2, outside_rows=0, json_bytes=9,
        seconds=0.1, peak_bytes=70,
    ) for uri in (step.manifests[3], step.manifests[0]))  # fmt: skip
    output = ['{"manifest": "x", "error": "y"}', *lines(done), "extract.done", *lines(again)]
    assert [step.read_line(line) for line in output] == [False, True, False, True]
    assert step.progress.remaining == [1, 2, 4]
    assert (step.report.manifests, step.report.rows, step.report.peak_bytes) == (2, 4, 70)
    assert step.error is None


@pytest.mark.usefixtures("source")
def test_a_step_that_reports_nothing_fails_by_its_exit_code():
    """With the last words of the command line."""
    step = task().open_step({"task_state_store": Store()})
    step.read_line("ticklake: unknown feed 'rows'")
    with pytest.raises(UsageError, match="the extraction failed with exit code 2: unknown feed"):
        step.raise_for(2)


@pytest.mark.parametrize("where", ["worker", "under a limit"])
def test_only_a_run_that_replaces_takes_records_away(source, tmp_path, where):
    """Wherever it is fetched: by default the task fails, and says what is missing."""
    from include.operators.extract import ExtractOperator
    from include.operators.runners.process import ProcessStepOperator

    def fetch(units: list[dict[str, Any]]) -> None:
        options = {"task_id": "extract", "feed": "rows", "units": units}
        operator = (
            ExtractOperator(**options)
            if where == "worker"
            else ProcessStepOperator(step="extract", **options)
        )
        operator.execute({"task_state_store": Store()})

    fetch(UNITS[:1])
    one = json.dumps([{"id": 1, "note": "so", "t": START_MS}]).encode()
    source.answer("/rows", one)
    with pytest.raises(DataError, match="1 of 2 records that were committed before"):
        fetch(UNITS[:1])
    fetch([UNITS[0] | {"replace": True}])
    storage = Storage.open(f"file://{tmp_path}/limited", {})
    [found] = manifest.read_all("rows", storage=storage)
    assert (found.json.rows, found.superseded[0].json.rows) == (1, 2)
