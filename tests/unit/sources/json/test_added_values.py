"""Records get the values around them, wherever these stand: before, after, above, or nowhere."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.ticklake.errors import SourceRefusedError
from tests.support.json_pages import read, reading
from tests.support.json_texts import CHUNK_SIZES, SCALARS, exact, objects

ADD = {"page": "at", "batch": "data.item.meta.ts", "name": "data.item.name"}


@st.composite
def batches(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]]]:
    """A body of batches, and what its records get; members are in any order, some not there."""
    page = draw(st.none() | SCALARS)
    texts, expected = [], []
    for _ in range(draw(st.integers(0, 3))):
        rows = draw(st.lists(objects(SCALARS), max_size=3))
        ts, name = draw(st.none() | SCALARS), draw(st.none() | SCALARS)
        members = {
            "data": f"[{','.join(rows)}]",
            "meta": None if ts is None else f'{{"x":[1],"ts":{ts}}}',
            "name": name,
        }
        texts.append(shuffled(draw, members))
        around = {"page": page, "batch": ts, "name": name}
        given_values = {key: exact(text) for key, text in around.items() if text is not None}
        expected += [given_values | exact(row) for row in rows]  # type: ignore[operator]
    return shuffled(draw, {"data": f"[{','.join(texts)}]", "at": page, "n": "[{}]"}), expected


def shuffled(draw: st.DrawFn, members: dict[str, str | None]) -> str:
    there = [f"{json.dumps(name)}:{text}" for name, text in members.items() if text is not None]
    return "{" + ",".join(draw(st.permutations(there))) + "}"


@given(body=batches(), sizes=CHUNK_SIZES)
@example(
    body=(
        '{"data":[{"data":[{}],"name":1},{"name":2,"data":[{}]}],"at":9}',
        [{"page": 9, "name": 1}, {"page": 9, "name": 2}],
    ),
    sizes=[1 << 20],
)
def test_records_of_batches_get_the_values_of_theirs(body, sizes):
    """Every record once, in the order of the body, with those of its batch and of the page."""
    text, expected = body
    found = read(text.encode(), sizes=sizes, records="data.item.data", add=ADD)
    assert [exact(record) for record in found] == expected


@pytest.mark.parametrize(
    ("options", "body", "records"),
    [
        pytest.param(
            {"records": "rates.*", "shape": "object", "columns": ["rate"], "key_as": "to",
             "add": {"at": "rates.at", "base": "base"}},
            b'{"rates":{"EUR":1.10,"at":5,"USD":2},"base":"GBP"}',
            ['{"base":"GBP","at":5,"to":"EUR","rate":1.10}',
             '{"base":"GBP","at":5,"to":"USD","rate":2}'],
            id="a map, with one of the values in it",
        ),
        pytest.param(
            {"records": "data", "shape": "columns", "add": {"s": "data.symbol", "at": "at"}},
            b'{"data":{"t":[1,2],"symbol":"A","o":[3,4]},"at":null}',
            ['{"at":null,"s":"A","t":1,"o":3}', '{"at":null,"s":"A","t":2,"o":4}'],
            id="parallel arrays",
        ),
        pytest.param(
            {"records": "data", "shape": "object", "add": {"at": "at"}},
            b'{"data":{"a":1},"at":1E+5}',
            ['{"at":1E+5,"a":1}'],
            id="one object",
        ),
        pytest.param(
            {"records": "*.rows", "key_as": "k", "add": {"at": "*.at"}},
            b'{"a.b":{"rows":[{}],"at":1},"c":{"at":2,"rows":[{}]},"d":{"rows":[{}]}}',
            ['{"at":1,"k":"a.b"}', '{"at":2,"k":"c"}', '{"k":"d"}'],
            id="any name",
        ),
        pytest.param(
            {"records": "bids", "columns": ["p", "q"], "add": {"id": "lastUpdateId"}},
            b'{"bids":[["1.10","2"],["1"]],"lastUpdateId":-0.50}',
            ['{"id":-0.50,"p":"1.10","q":"2"}', '["1"]'],
            id="arrays",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("sizes", [[1], [1 << 20]], ids=["bytes", "whole"])
def test_values_are_added_in_every_form(options, body, records, sizes):
    """Digits as they came; an array without names has no place for a value."""
    assert read(body, sizes=sizes, **options) == records


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param(b'{"at":{"x":1},"data":[{}]}', "'at' is an object; correct source.add.at",
                     id="an object"),
        pytest.param(b'{"data":[{}],"at":[1]}', "'at' is an array", id="an array"),
        pytest.param(b'{"at":1,"data":[{}],"at":2}', "two values at 'at'", id="twice"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_added_is_refused(body, problem):
    """Rather than one that nobody meant."""
    with pytest.raises(SourceRefusedError, match=problem):
        read(body, records="data", add={"at": "at"})


def test_memory_does_not_grow_with_the_records_that_wait():
    """A value that comes after a hundred thousand records is in each of them."""

    def body(rows: int) -> Iterator[bytes]:
        yield b'{"data":[{"n":1}'
        for _ in range(rows // 100):
            yield b',{"n":1}' * 100
        yield b'],"at":5}'

    def peak_bytes(rows: int) -> int:
        tracemalloc.start()
        page = reading(body(rows), records="data", add={"at": "at"})
        assert sum(bytes(record) == b'{"at":5,"n":1}' for record in page) == rows + 1
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak_bytes(100_000) < peak_bytes(20_000) + 1024 * 1024
