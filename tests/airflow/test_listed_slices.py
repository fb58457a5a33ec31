"""A listing, a delisting and a list that fails, through ``airflow dags test``: what a user sees."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from include.ticklake.cli.main import main
from include.ticklake.lake import manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.window import Window
from tests.airflow.many_runs import RunEnd, Runs
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply

pytestmark = [pytest.mark.dag, pytest.mark.filterwarnings("default")]

BATCHES = 2
DAG = "ingest_listed_trades"
SYMBOLS = ["AAA", "BBB", "CCC", "DDD", "EEE", "FFF"]

FEED = """
source:
  kind: http
  base_url: https://api.example.com
  path: /trades
  params: {symbol: "{symbol}", from: "{start_ms}"}
slices: {symbol: {path: /symbols, where: {status: TRADING}}}
window: 5m
fields:
  trade_id: {from: id, type: int64, key: true}
  price: {type: "decimal(18,8)", required: true}
  trade_time: {from: time, type: timestamp, unit: ms, event_time: true}
limits: {attempts: 1}
"""


class ListedTrades:
    """An exchange whose symbols are ours, and runs of the DAG that fetches their trades."""

    def __init__(self, server: HttpServer, runs: Runs, folder: Path, database: Path) -> None:
        self.root = f"file://{folder}/lake"
        self._server, self._runs, self._database = server, runs, database
        self._env = {
            "TICKLAKE_FEEDS": str(folder / "feeds"),
            "TICKLAKE_ROOT": self.root,
            "TICKLAKE_BASE_URL": server.url,
            "TICKLAKE_SHIPPED_FEEDS": "none",
            "TICKLAKE_BATCHES_MAX": str(BATCHES),
        }
        server.answer_by("/trades", self._trades)

    def list(self, symbols: list[str], *, status: int = 200) -> None:
        """Answer with *symbols* from now on, and with one that is not traded."""
        listed = [{"symbol": symbol, "status": "TRADING"} for symbol in symbols]
        body = json.dumps([*listed, {"symbol": "OLD", "status": "BREAK"}]).encode()
        self._server.answer("/symbols", body, status=status)

    def run(self, minute: int) -> RunEnd:
        """A run of the DAG about the five minutes that end at *minute*, which must succeed."""
        at = f"2026-01-02T08:{minute:02d}:00+00:00"
        ended = self._runs.run("dags", "test", DAG, at, env=self._env, limit_s=300)
        assert ended.exit_code == 0, ended.log[-4_000:]
        return ended

    def fetched(self, minute: int) -> list[str]:
        """The symbols whose five minutes until *minute* are in the lake, converted."""
        return [
            found.slice["symbol"]
            for found in manifest.read_all("listed_trades", storage=Storage.open(self.root, {}))
            if Window.parse(found.window).end.minute == minute and found.is_current
        ]

    def ask(self, query: str, *values: object) -> list[tuple]:
        """What Airflow's database says."""
        with closing(sqlite3.connect(self._database)) as connection:
            return connection.execute(query, values).fetchall()

    @staticmethod
    def _trades(asked: ReceivedRequest) -> Reply:
        start_ms = int(asked.params["from"])
        rows = [{"id": trade, "price": f"1.{trade}", "time": start_ms + trade} for trade in (1, 2)]
        return Reply(body=json.dumps(rows).encode())


@pytest.fixture
def exchange(own_airflow_env, http_server, tmp_path, monkeypatch):
    """Six symbols, and nothing in the lake."""
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "listed_trades.yaml").write_text(FEED)
    with Runs(own_airflow_env) as runs:
        database = Path(own_airflow_env["AIRFLOW_HOME"]) / "airflow.db"
        made = ListedTrades(http_server, runs, tmp_path, database)
        monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
        monkeypatch.setenv("TICKLAKE_SHIPPED_FEEDS", "none")
        monkeypatch.setenv("TICKLAKE_ROOT", made.root)
        yield made


def test_each_run_fetches_what_is_listed_and_says_what_changed(exchange, capsys):
    """The DAG is read without the list; a list that fails turns no task red."""
    exchange.list(SYMBOLS)
    log = exchange.run(10).log
    assert exchange.fetched(10) == SYMBOLS
    assert "from=/symbols listed=6 joined=6 (AAA, BBB, CCC, DDD, EEE and 1 more)" in log
    mapped = exchange.ask(
        "SELECT task_id, count(*) FROM task_instance WHERE dag_id = ? AND state = 'success' "
        "AND map_index >= 0 GROUP BY task_id",
        DAG,
    )
    assert dict(mapped) == {"extract": BATCHES, "convert": BATCHES}
    ((extra,),) = exchange.ask("SELECT extra FROM asset_event WHERE source_dag_id = ?", DAG)
    event = json.loads(extra)
    assert (event["slices"], event["manifests"], event["rows"]) == (6, 6, 12)

    exchange.list([*SYMBOLS[1:], "GGG"])
    assert "listed=6 joined=1 (GGG) left=1 (AAA)" in exchange.run(15).log
    assert exchange.fetched(15) == [*SYMBOLS[1:], "GGG"]

    exchange.list([], status=500)
    log = exchange.run(20).log
    assert "slices.kept feed=listed_trades slice=symbol from=/symbols: the newest list" in log
    assert "HTTP 500" in log
    assert exchange.fetched(20) == [*SYMBOLS[1:], "GGG"]

    assert main(["slices", "listed_trades", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["value"]: line["until"] is None for line in lines} == {
        "AAA": False, **dict.fromkeys([*SYMBOLS[1:], "GGG"], True),
    }  # fmt: skip
    assert main(["feeds"]) == 0
    assert "symbol of /symbols" in capsys.readouterr().out


def test_the_form_and_the_page_of_the_dag_name_what_lists_the_symbols(tmp_path):
    """The symbols themselves are not known where DAGs are read."""
    from include.operators.dag_support import trigger_form
    from include.ticklake.feed import loader

    (tmp_path / "listed_trades.yaml").write_text(FEED)
    feed = loader.read_feed(tmp_path / "listed_trades.yaml")
    text = trigger_form.ingest_params(feed)["slices"].schema["description_md"]
    assert "such as `symbol=VALUE`" in text
    assert text.endswith("Defaults to all that `/symbols` lists.")
    assert "symbol as `/symbols` lists it, read by each run" in trigger_form.dag_doc(feed, None)
