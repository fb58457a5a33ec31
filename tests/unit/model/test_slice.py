"""Partition values go into a path and come back as they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import UsageError
from include.ticklake.model.slice import Slice

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["..", ".", "a/b", "a=b", "a,b", "%2F", "%", "Ü", " ", "\n", "BTC-USDT", "1m", "+"]
)


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_a_path_leads_back_to_its_slice(values):
    """Whatever the values hold, in the order in which they were given."""
    piece = Slice.of(values)
    assert Slice.parse(piece.path) == piece
    assert list(piece.as_dict().items()) == list(values.items())


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
def test_a_path_is_one_folder_per_name(values):
    """No value leads out of its folder, and every character is safe in a key."""
    folders = Slice.of(values).path.split("/")
    assert [folder.partition("=")[0] for folder in folders] == list(values)
    assert all(folder not in (".", "..") for folder in folders)
    assert all(character.isascii() and character.isprintable() for character in "".join(folders))
    assert not set("".join(folders)) & set(" \\\"'#?&,+:*|<>")


@given(st.lists(VALUES, min_size=2, max_size=5, unique=True))
def test_different_values_have_different_paths(values):
    """No two slices share an object."""
    assert len({Slice.of({"symbol": value}).path for value in values}) == len(values)


@pytest.mark.parametrize(
    ("values", "path", "shown"),
    [
        pytest.param({}, "", "all", id="none"),
        pytest.param({"symbol": "BTCUSDT"}, "symbol=BTCUSDT", "symbol=BTCUSDT", id="one"),
        pytest.param({"symbol": "A/B", "interval": "1h"}, "symbol=A%2FB/interval=1h",
                     "symbol=A/B,interval=1h", id="two"),
        pytest.param({"interval": 5}, "interval=5", "interval=5", id="a number"),
    ],
)  # fmt: skip
def test_slices_are_written_hive_style(values, path, shown):
    """As query engines read them from folders; people see them without escapes."""
    piece = Slice.of(values)
    assert (piece.path, str(piece)) == (path, shown)


@pytest.mark.parametrize("path", ["symbol", "symbol=BTC/1h", "/x"])
def test_what_is_no_path_of_a_slice_is_refused(path):
    """Every folder needs a name and a value."""
    with pytest.raises(UsageError, match="is not a slice; write it as symbol=BTCUSDT"):
        Slice.parse(path)
