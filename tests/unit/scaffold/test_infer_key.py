"""The key is a column that is surely unique: a wrong one would remove records."""

from __future__ import annotations

import pytest

from include.ticklake.scaffold.infer_fields import InferredField, infer_fields
from include.ticklake.scaffold.infer_key import is_symbol, with_key
from tests.support.drafts import draft_feed

MS = 1_795_323_600_000


@pytest.mark.parametrize(
    ("rows", "options", "key"),
    [
        pytest.param([{"n": 5, "trade_id": 5}, {"n": 7, "trade_id": 6}], {}, "trade_id", id="id"),
        pytest.param([{"a": 5}, {"a": 6}, {"a": 7}], {}, "a", id="counts"),
        pytest.param([{"n": 5}, {"n": 9}], {}, None, id="a number that happens to be unique"),
        pytest.param([{"tx_hash": "x"}, {"tx_hash": "y"}], {}, None, id="of several transfers"),
        pytest.param([{"order_id": 5}, {"order_id": 6}], {}, None, id="of several fills"),
        pytest.param([{"instId": "x"}], {}, None, id="of an instrument"),
        pytest.param([{"user": {"id": 5}}, {"user": {"id": 6}}], {}, None, id="of a user"),
        pytest.param([{"attributes": {"id": 5}}], {}, "attributes_id", id="of the record"),
        pytest.param([{"side": "buy"}, {"side": "sell"}], {}, None, id="a text that happens to be"),
        pytest.param([{"symbol": "A"}, {"symbol": "B"}], {"is_snapshot": True}, "symbol",
                     id="a symbol in a snapshot"),
        pytest.param([{"symbol": "A"}, {"symbol": "B"}], {}, None, id="a symbol elsewhere"),
        pytest.param([{"firstId": 5, "quoteCurrency": "USD", "symbol": "A"}], {"is_snapshot": True},
                     "symbol", id="rather than what instruments have in common"),
        pytest.param([{"currency": "USD"}], {"is_snapshot": True}, None, id="one currency"),
        pytest.param([{"id": 1}, {"id": 1}], {}, None, id="not unique"),
        pytest.param([{"id": 1}, {"id": None}], {}, None, id="not in every record"),
        pytest.param([{"f": 900, "n": 12}, {"f": 901, "n": 15}], {"first_id": "12"}, "n",
                     id="the page was requested from it"),
    ],
)  # fmt: skip
def test_the_key_is_a_column_that_is_surely_unique(rows, options, key):
    """One called an id, or that counts; no column otherwise."""
    options = {"is_snapshot": False, "step_ns": None} | options
    fields = with_key(infer_fields(rows).fields, **options)
    assert [field.name for field in fields if field.key] == ([key] if key else [])


def test_a_time_is_the_key_of_candles_only():
    """Two trades can share an instant, also where those of one page do not."""
    candles = [{"t": MS + step * 60_000} for step in range(3)]
    trades = [{"t": MS + step} for step in (0, 17, 90)]
    assert draft_feed(candles).key == ("t",)
    assert draft_feed(trades).key == ()


def test_what_names_a_symbol():
    """By its words."""
    for name, expected in {
        "symbol": True,
        "instId": True,
        "quoteCurrency": False,
        "side": False,
    }.items():
        assert is_symbol(InferredField(name="x", source=name, type="string")) is expected
