"""The values of slices are listed with their time; commands work on those that a feed lists."""

from __future__ import annotations

import json

import pytest

from include.ticklake.cli.main import main
from tests.support.listed_symbols import ListedSymbols, hour, rows

HOUR = ("--start", "2026-01-02T04:00Z", "--end", "2026-01-02T05:00Z")


@pytest.fixture
def exchange(tmp_path, http_server, monkeypatch) -> ListedSymbols:
    """Three symbols, of which the lake has a snapshot, and their prices."""
    made = ListedSymbols(tmp_path, http_server)
    monkeypatch.setenv("TICKLAKE_FEEDS", str(made.feeds))
    monkeypatch.setenv("TICKLAKE_ROOT", made.storage.root_uri)
    monkeypatch.setenv("TICKLAKE_BASE_URL", http_server.url)
    made.fetch(0, rows(["A", "B", "C"]))
    price = json.dumps([{"id": 1, "t": hour(4).start_ms}]).encode()
    http_server.answer("/prices", price)
    return made


def printed(capsys) -> list[dict[str, object]]:
    """The lines of JSON that a command printed."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_extract_reads_the_list_and_fetches_what_it_has(exchange, capsys):
    """Without Airflow as with it; a symbol that left is fetched by its name."""
    assert main(["extract", "prices", *HOUR]) == 0
    assert len(printed(capsys)) == 3
    exchange.fetch(1, rows(["A", "B", "D"]))
    exchange.write(prices=_shrinking(exchange))
    assert main(["extract", "prices", *HOUR]) == 0
    assert [line["manifest"].split("symbol=")[1][0] for line in printed(capsys)] == ["A", "B", "D"]
    assert main(["extract", "prices", "--slice", "symbol=C", *HOUR]) == 0
    assert len(printed(capsys)) == 1


def test_values_are_printed_with_their_time(exchange, capsys):
    """A line for each time that a value was listed."""
    main(["extract", "prices", *HOUR])
    exchange.fetch(1, rows(["A", "B", "D"]))
    exchange.write(prices=_shrinking(exchange))
    capsys.readouterr()
    assert main(["slices", "prices", "--renew", "--json"]) == 0
    values = {line["value"]: (line["since"], line["until"]) for line in printed(capsys)}
    first, second = "2026-01-02T01:00:10", "2026-01-02T02:00:10"
    assert {name: [str(at)[:19] for at in both] for name, both in values.items()} == {
        "A": [first, "None"], "B": [first, "None"], "C": [first, second], "D": [second, "None"],
    }  # fmt: skip


def test_a_list_that_shrank_is_kept_until_it_is_accepted(exchange, capsys, caplog):
    """The command that shows the list says so, too, and is the way to accept it."""
    main(["extract", "prices", *HOUR])
    exchange.fetch(1, rows(["A"]))
    assert main(["extract", "prices", *HOUR]) == 0
    assert "2 of 3 values are gone" in caplog.text
    caplog.clear()
    capsys.readouterr()
    assert main(["slices", "prices", "--json"]) == 0
    assert "run `slices prices --accept-shrink`" in caplog.text
    assert [line["until"] for line in printed(capsys)] == [None, None, None]
    assert main(["slices", "prices", "--accept-shrink", "--json"]) == 0
    assert [line["until"] is None for line in printed(capsys)] == [True, False, False]


def test_maintenance_works_on_what_left_as_well(exchange, capsys):
    """It keeps its data: the audit reads it, a rebuild writes it again."""
    main(["extract", "prices", *HOUR])
    exchange.fetch(5, rows(["A"]))
    main(["slices", "prices", "--accept-shrink"])
    capsys.readouterr()
    assert main(["rebuild", "prices", *HOUR, "--json"]) == 0
    assert len(printed(capsys)) == 3
    assert main(["audit", "prices", *HOUR, "--json"]) == 0
    assert printed(capsys) == []


@pytest.mark.usefixtures("exchange")
def test_without_a_list_a_command_says_what_to_run(capsys):
    """Exit 2 where somebody must do something else first; a slice by name needs no list."""
    assert main(["audit", "prices", *HOUR]) == 2
    assert "run ingest_prices, or `extract` a range of it" in capsys.readouterr().err
    assert main(["extract", "prices", "--slice", "symbol=A", *HOUR]) == 0
    assert main(["slices", "prices"]) == 2


def test_the_first_extraction_without_a_list_says_what_to_run(exchange, capsys):
    """Exit 3: a later attempt may find one."""
    for key in exchange.storage.list("manifests/symbols"):
        exchange.storage.delete(key)
    assert main(["extract", "prices", *HOUR]) == 3
    assert "run ingest_symbols, or `extract` a window of symbols, first" in capsys.readouterr().err


def test_a_feed_that_lists_its_slices_has_no_times(exchange, capsys):
    """Its values are those of its file."""
    text = (exchange.feeds / "prices.yaml").read_text()
    head, _, tail = text.partition("slices:")
    exchange.write(prices=f"{head}slices: {{symbol: [X, Y]}}\n{tail.partition(chr(10))[2]}")
    assert main(["slices", "prices", "--json"]) == 0
    assert printed(capsys) == [
        {"slice": "symbol", "value": value, "since": None, "until": None} for value in "XY"
    ]


def test_the_list_of_feeds_names_the_other_feed(exchange, capsys):
    """And its check refuses one that does not exist, at its line."""
    main(["feeds"])
    assert "symbol of symbols" in capsys.readouterr().out
    text = (exchange.feeds / "prices.yaml").read_text()
    exchange.write(prices=text.replace("status: TRADING", "state: TRADING"))
    assert main(["feeds", "--check"]) == 2
    assert "prices.yaml:3: slices.symbol: feed symbols has no column 'state'" in (
        capsys.readouterr().err
    )


def test_symbols_that_the_exchange_lists_itself(exchange, capsys, caplog):
    """`extract` asks it, `--renew` does, and the list of feeds names the endpoint."""
    exchange.list_by_endpoint()
    exchange.answer(rows(["X", "Y"]))
    assert main(["extract", "prices", *HOUR]) == 0
    assert len(printed(capsys)) == 2
    exchange.answer([], status=403)
    assert main(["slices", "prices", "--renew", "--json"]) == 0
    assert [line["value"] for line in printed(capsys)] == ["X", "Y"]
    assert "from=/symbols: the newest list is not in force" in caplog.text
    assert main(["feeds", "--check"]) == 0
    assert "symbol of /symbols" in capsys.readouterr().out


def _shrinking(exchange: ListedSymbols) -> str:
    """The file of prices, of whose list half may leave at once."""
    text = (exchange.feeds / "prices.yaml").read_text()
    return text.replace("{feed: symbols,", "{feed: symbols, may_shrink: 50%,")
