"""``candle_opens`` is checked against the candles that the feed has."""

from __future__ import annotations

import pytest

from include.ticklake.feed.candle_options import check_candle_opens
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
