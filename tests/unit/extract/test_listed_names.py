"""Values become names of slices, each once; what can be none is left out, and counted."""

from __future__ import annotations

import pytest

from include.ticklake.extract import listed_names
from include.ticklake.extract.listed_names import ListedNames
from include.ticklake.feed import loader
from include.ticklake.lake.list_rules import RefusedListError
from tests.support.feed_files import VALID

FILE = VALID.replace("/rows", "/rows/{symbol}") + "slices: {symbol: {feed: symbols}}\n"


@pytest.fixture
def names(tmp_path) -> ListedNames:
    """Of a feed that has the symbol in its path, and had one called eth."""
    (tmp_path / "small.yaml").write_text(FILE)
    return ListedNames(loader.read_feed(tmp_path / "small.yaml"), "symbol", known=["eth"])


def test_each_name_is_listed_once_in_the_order_of_the_list(names):
    """Whole numbers are names as well."""
    names.add_all(["B", "A", "B", 7])
    assert (names.listed, names.left_out_rows) == (["B", "A", "7"], 0)


def test_what_can_be_no_name_is_counted_and_the_first_reasons_kept(names):
    """Also one that differs by case only from one that the feed had."""
    names.add_all([None, " ", "ETH", "..", "x" * 201, "A", "a", *[""] * 100])
    assert names.listed == ["A"]
    assert names.left_out_rows == 106
    assert len(names.left_out) == 5
    assert "'ETH' and 'eth' differ by case only" in names.left_out


def test_too_many_are_no_list(names, monkeypatch):
    """A feed cannot plan them."""
    monkeypatch.setattr(listed_names, "MAX_SLICES", 2)
    with pytest.raises(RefusedListError, match="more than 2 values; choose fewer with `where`"):
        names.add_all("ABC")
