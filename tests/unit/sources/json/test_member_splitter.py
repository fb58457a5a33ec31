"""A map gives its members: their names exactly, each value as it was written, none twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.sources.json.block_cutter import Body
from include.ticklake.sources.json.member_splitter import encode_text, split_members
from tests.support.json_pages import MIB, read
from tests.support.json_texts import (
    CHUNK_SIZES,
    SCALARS,
    SPACES,
    VALUES,
    chunks,
    exact,
    joined,
    objects,
)

NAMES = st.text(max_size=4) | st.sampled_from(["a.b", "item", "*", "", '"', "\\", "\n", "\ud83d"])


def members(body: bytes, sizes: list[int]) -> list[tuple[str, str]]:
    lists = split_members(Body(chunks(body, sizes)), b"", max_record_bytes=MIB)
    return [
        (name, bytes(value).decode())
        for names, values in lists
        for name, value in zip(names, values, strict=True)
    ]


@given(
    pairs=st.lists(st.tuples(NAMES, objects(VALUES) | VALUES), max_size=6),
    space=SPACES,
    ascii_only=st.booleans(),
    sizes=CHUNK_SIZES,
)
@example(pairs=[("a", '{"x":{"y":1},"z":2}')] * 9, space="", ascii_only=True, sizes=[7])
@example(pairs=[("a", '"},"'), ("b", '{"c":"},\\"a\\":{"}')], space="", ascii_only=True, sizes=[5])
def test_members_come_out_as_they_were_written(pairs, space, ascii_only, sizes):
    """Wherever the chunks end, also two of one name."""
    texts = [
        f"{json.dumps(name, ensure_ascii=ascii_only or name == chr(0xD83D))}{space}:{space}{value}"
        for name, value in pairs
    ]
    found = members(joined("", texts, "}", space).encode(), sizes)
    assert [name for name, _ in found] == [name for name, _ in pairs]
    assert [exact(value) for _, value in found] == [exact(value) for _, value in pairs]
    for (_, value), (_, text) in zip(found, pairs, strict=True):
        assert value == text or "\n" in text or "\r" in text


@given(
    values=st.dictionaries(st.text(max_size=4), objects(VALUES), max_size=6),
    beside=SCALARS,
    sizes=CHUNK_SIZES,
)
def test_a_map_of_objects_gives_a_record_for_each_with_its_name(values, beside, sizes):
    """The name is exact, also one with dots; a plain value between them is no record."""
    texts = [f"{json.dumps(name)}:{value}" for name, value in values.items()]
    texts.insert(len(texts) // 2, f'"at":{beside}')
    body = f'{{"data":{joined("{", texts, "}", " ")},"n":{beside}}}'.encode()
    found = read(
        body, sizes=sizes, records="data.*", shape="object", key_as="key", capture={"at": "data.at"}
    )
    expected = [[("key", name), *pairs(value)] for name, value in values.items() if name != "at"]
    assert [pairs(record) for record in found] == expected


def pairs(text: str) -> list[tuple[str, Any]]:
    """The members of an object, in their order, two of one name too."""
    decoded: list[tuple[str, Any]] = json.loads(
        text, parse_float=str, parse_int=str, object_pairs_hook=lambda found: found
    )
    return decoded


@pytest.mark.parametrize("sizes", [[1], [1 << 20]], ids=["bytes", "whole"])
def test_a_name_that_occurs_twice_in_a_map_is_refused(sizes):
    """Nobody can say which of the two counts."""
    with pytest.raises(SourceRefusedError, match="two records at 'BTC': the body has a name twice"):
        read(b'{"BTC":{"a":1},"BTC":{"a":2}}', sizes=sizes, records="*", shape="object")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param(b'{"a":{}', "ends at byte 7, inside", id="no end"),
        pytest.param(b'{"a":{},}', "not JSON", id="a comma without a member"),
        pytest.param(b'{"a":{},,"b":{}}', "not JSON", id="two commas"),
        pytest.param(b'{"a" {}}', "not JSON", id="no colon"),
        pytest.param(b'{"a":{}]', "not JSON", id="another bracket"),
        pytest.param(b"{5:{}}", "not JSON", id="a number as a name"),
        pytest.param(b'{"\xff":{}}', "invalid UTF-8", id="a name that is no text"),
        pytest.param(b'{"a":' + b"[" * 600 + b"]" * 600 + b"}", "levels", id="deep"),
    ],
)
@pytest.mark.parametrize("sizes", [[1], [1 << 20]], ids=["bytes", "whole"])
def test_what_is_no_map_is_refused(body, problem, sizes):
    """With the byte where that is known; never quietly less."""
    with pytest.raises(MalformedPageError, match=problem):
        read(body, sizes=sizes, records="*", shape="object")


def test_half_a_pair_in_a_name_is_kept():
    """As the escape that it must be."""
    assert encode_text("\ud83d") == b'"\\ud83d"'
    assert encode_text("é") == '"é"'.encode()
    [record] = read(rb'{"\ud83d":{"a":"\ud83d"}}', records="*", shape="object", key_as="k")
    assert record == r'{"k":"\ud83d","a":"\ud83d"}'
