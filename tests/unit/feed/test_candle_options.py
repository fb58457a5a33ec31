"""``candle_opens`` is checked against the candles that the feed has."""

from __future__ import annotations

import pytest

from include.ticklake.feed.candle_options import candle_slices, check_candle_opens
from include.ticklake.model.strict import FieldError


@pytest.mark.parametrize(
    ("opens", "lengths"),
    [(None, []), (None, ["1d"]), ("16:00", ["1d"]), ("monday", ["1w"]),
     ("sunday 16:00", ["1m", "1d", "1w"])],
)  # fmt: skip
def test_what_candles_have_is_accepted(opens, lengths):
    """A weekday where some of them are weeks."""
    check_candle_opens(opens, lengths=lengths)


@pytest.mark.parametrize(
    ("opens", "lengths", "message"),
    [("16:00", [], "the records are not candles; set candle"),
     ("monday", ["1d", "1mo"], "only candles of weeks open on a weekday")],
)  # fmt: skip
def test_what_they_do_not_have_is_refused(opens, lengths, message):
    """A time of day without candles, a weekday without weeks."""
    with pytest.raises(FieldError, match=message):
        check_candle_opens(opens, lengths=lengths)


def test_each_length_of_a_candle_is_looked_at_once():
    """However many slices have it: values that the candle does not name change none."""
    slices = {"symbol": list(range(5_000)), "interval": ["1m", "5m"]}
    lengths = [str(slice_) for slice_ in candle_slices("{interval}", slices)]
    assert lengths == ["symbol=0,interval=1m", "symbol=0,interval=5m"]
    assert len(candle_slices("1m", slices)) == 1


def test_a_candle_of_more_than_a_thousand_lengths_is_refused():
    """It names the wrong slice."""
    assert len(candle_slices("{a}m", {"a": list(range(1_000))})) == 1_000
    with pytest.raises(FieldError, match="stands for 1,001 lengths, more than 1,000"):
        candle_slices("{a}m", {"a": list(range(1_001))})
