"""A feed names another that lists its slices; what it says of that is checked in its own file."""

from __future__ import annotations

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.grid import Grid
from tests.support.feed_files import VALID, mistakes

LISTED = VALID.replace("/rows\n", "/rows\n  params: {symbol: '{symbol}', length: '{length}'}\n")


def written(listed: str, more: str = "") -> str:
    """A feed file with slices by *listed* symbols and two lengths."""
    return f"{LISTED}slices: {{symbol: {listed}, length: [1m, 5m]}}\n{more}"


def read(folder, listed: str) -> Feed:
    """The feed of a file with that list."""
    (folder / "small.yaml").write_text(written(listed))
    return loader.read_feed(folder / "small.yaml")


def test_a_list_has_its_defaults(tmp_path):
    """The column is that of the slice's name; all rows count; a fifth may leave at once."""
    listed = read(tmp_path, "{feed: symbols}").slice_lists["symbol"]
    assert (listed.feed, listed.column_of("symbol"), listed.where) == ("symbols", "symbol", {})
    assert listed.may_shrink == 0.2


def test_one_value_or_several_may_be_wanted(tmp_path):
    """A list means any of them."""
    feed = read(tmp_path, "{feed: symbols, column: id, where: {status: ON, kind: [A, B], n: 1}}")
    listed = feed.slice_lists["symbol"]
    assert listed.where == {"status": ["ON"], "kind": ["A", "B"], "n": [1]}
    assert listed.column_of("symbol") == "id"


def test_the_units_of_a_feed_do_not_depend_on_what_is_listed(tmp_path):
    """The names of its slices are known; that its values are not is said where they are needed."""
    feed = read(tmp_path, "{feed: symbols}")
    assert Grid.of(feed).slices == ("symbol", "length")
    with pytest.raises(
        UsageError, match=r"slices\.symbol: its values are those that symbols lists"
    ):
        _ = feed.all_slices


def test_values_that_are_known_are_combined_with_the_others(tmp_path):
    """As if the file listed them."""
    feed = read(tmp_path, "{feed: symbols}").with_values({"symbol": ["B", "A"]})
    assert [slice_.path for slice_ in feed.all_slices] == [
        "symbol=B/length=1m", "symbol=B/length=5m", "symbol=A/length=1m", "symbol=A/length=5m",
    ]  # fmt: skip
    assert feed.slice_count == 4
    assert feed.slice_lists == {}


def test_too_many_values_are_refused(tmp_path):
    """A list may have more than a run can plan."""
    feed = read(tmp_path, "{feed: symbols}")
    with pytest.raises(ValueError, match="100,001 symbol x 2 length are 200,002 slices"):
        feed.with_values({"symbol": [str(number) for number in range(100_001)]})


@pytest.mark.parametrize(
    ("listed", "more", "mistake"),
    [
        pytest.param(
            "{feed: symbols, colum: id}", "",
            "slices.symbol.colum: unknown key; did you mean 'column'?", id="a wrong key",
        ),
        pytest.param(
            "{feed: No-Feed}", "", "slices.symbol.feed: 'No-Feed' is not valid", id="a wrong name"
        ),
        pytest.param(
            "{feed: symbols, where: {status: 1.5}}", "",
            "slices.symbol.where.status: must be a text, a whole number", id="a fraction",
        ),
        pytest.param(
            "{feed: symbols, where: {status: []}}", "",
            "slices.symbol.where.status: must be a text, a whole number", id="nothing wanted",
        ),
        pytest.param(
            "{feed: symbols, may_shrink: 120%}", "",
            "slices.symbol.may_shrink: must be at most 1", id="more than all",
        ),
        pytest.param(
            "{feed: symbols}", "candle: '{symbol}'\n",
            "candle: {symbol} is listed elsewhere", id="lengths of candles",
        ),
    ],
)  # fmt: skip
def test_mistakes_name_their_line(tmp_path, listed, more, mistake):
    """In the words of feed files."""
    assert any(mistake in line for line in mistakes(tmp_path, written(listed, more)))
