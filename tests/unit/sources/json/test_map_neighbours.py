"""What stands between the records of a map is captured, or passed over, as in any body."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError
from tests.support.json_pages import reading
from tests.support.json_texts import CHUNK_SIZES, SCALARS, VALUES, exact

BODY = '{{"next":{next},"BTC":{{"a":1}},"list":{other},"ETH":{{"a":2}},"page":{{"n":{n}}}}}'


@given(value=SCALARS, other=VALUES.filter(lambda text: text[0] != "{"), sizes=CHUNK_SIZES)
def test_captured_values_between_the_records_of_a_map_are_no_records(value, other, sizes):
    """At any depth, before and after them; other members that are no objects are passed over."""
    body = BODY.format(next=value, other=other, n=value).encode()
    page = reading(
        body, sizes=sizes, records="*", shape="object", capture={"c": "next", "n": "page.n"}
    )
    assert [bytes(record) for record in page] == [b'{"a":1}', b'{"a":2}']
    assert page.captured == {"c": exact(value), "n": exact(value)}


@given(prices=st.dictionaries(st.text(max_size=3), SCALARS, min_size=1), sizes=CHUNK_SIZES)
def test_a_map_of_plain_values_needs_a_name_for_them(prices, sizes):
    """``columns: [price]``; without one they are no records."""
    inside = ",".join(f"{json.dumps(name)}:{value}" for name, value in prices.items())
    body = f'{{"rates":{{{inside}}}}}'.encode()
    options = {"records": "rates.*", "shape": "object", "key_as": "to"}
    page = reading(body, sizes=sizes, columns=["price"], **options)
    assert [exact(bytes(record)) for record in page] == [
        {"to": name, "price": exact(value)} for name, value in prices.items()
    ]
    assert list(reading(body, sizes=sizes, **options)) == []


def test_a_neighbour_that_is_not_json_is_refused():
    """Although it is no record."""
    with pytest.raises(MalformedPageError, match="not JSON"):
        list(reading(b'{"BTC":{"a":1},"n":01}', records="*", shape="object"))
