"""The lines that are copied from the page give the rows that the lake's own reader gives."""

from __future__ import annotations

import pytest

from include.ticklake.lake import read
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.publish.snippets import LANGUAGES, RowRange, snippets
from tests.support import lake_factory

ODD = Slice.of({"symbol": """B'T"C/USD\\ 100%"""})
START, END = lake_factory.at("02:30"), lake_factory.at("03:20")


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Storage:
    """Three hours of two symbols, in a folder with a quote in its name."""
    storage = Storage.open(f"file://{tmp_path_factory.mktemp('lake')}/it's", {})
    for slice_, seed in ((lake_factory.BTC, 7), (ODD, 9)):
        table = lake_factory.day_of_trades(3_000, seed=seed)
        for number in (1, 2, 3):
            lake_factory.ingest(storage, table, lake_factory.hour(number), slice_=slice_)
    return storage


def run(language: str, code: str) -> list[tuple[int, str]]:
    """Id and exact price of each row that *code* gives."""
    if language == "duckdb":
        duckdb = pytest.importorskip("duckdb")
        with duckdb.connect() as connection:
            cursor = connection.execute(code)
            names = [column[0] for column in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    else:
        pytest.importorskip(language)
        scope: dict = {}
        exec(code, scope)  # noqa: S102 - the page's own lines
        frame = scope["rows"]
        rows = frame.to_dicts() if language == "polars" else frame.to_dict("records")
    return [(row["agg_trade_id"], str(row["price"])) for row in rows]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("slice_", [lake_factory.BTC, ODD], ids=["plain", "odd"])
@pytest.mark.parametrize("language", list(LANGUAGES))
def test_the_lines_give_the_rows_of_the_slice_and_range(lake, language, slice_):
    """Each with its exact price, in the order of time; whatever is in the slice's value."""
    expected = read.table(
        lake_factory.FEED, storage=lake, slices=[slice_.as_dict()], start=START, end=END
    )
    ids, prices = expected["agg_trade_id"].to_pylist(), expected["price"].to_pylist()
    code = snippets(RowRange(lake_factory.FEED, slice_, START, END), root_uri=lake.root_uri)
    assert len(ids) > 20
    assert sorted(run(language, code[language])) == sorted(zip(ids, map(str, prices), strict=True))
