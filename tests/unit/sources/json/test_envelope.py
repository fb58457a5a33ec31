"""The walk around the records finds where they begin, and keeps little of the rest."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError
from include.ticklake.sources.json.envelope import MAX_DEPTH, MAX_VALUE_BYTES, Envelope
from include.ticklake.sources.json.records_path import RecordsPath
from tests.support.json_texts import CHUNK_SIZES, chunks


def walk(
    body: bytes, *, records: str, capture=None, sizes=(1 << 20,)
) -> tuple[list[int], Envelope]:
    """Where arrays of records open; what is in them is walked like all else."""
    envelope = Envelope(
        records=RecordsPath(records), capture=capture or {}, capture_plain={}, capture_every={}
    )
    opened, at = [], 0
    for chunk in chunks(body, list(sizes)):
        rest = chunk
        while (found := envelope.feed(rest, at=at)) is not None:
            at, rest = at + found, rest[found:]
            opened.append(at)
        at += len(rest)
    envelope.close(at=at)
    return opened, envelope


@pytest.mark.parametrize(
    ("path", "body", "before"),
    [
        pytest.param("$", b"[]", [b"["], id="the body"),
        pytest.param("data", b'{"a":[],"data":[]}', [b'{"a":[],"data":['], id="a name"),
        pytest.param("data", b'[{"data":[]}]', [], id="not at another depth"),
        pytest.param("data", b'{"x":{"data":[]}}', [], id="not below another name"),
        pytest.param("a.b", b'{"a":{"b":[]}}', [b'{"a":{"b":['], id="names"),
        pytest.param("a.*", b'{"a":{"x":[],"y":[]}}', [b'{"a":{"x":[', b'{"a":{"x":[],"y":['],
                     id="any name, every time"),
        pytest.param("a.*", b'{"a":{"x":{"y":[]}}}', [], id="any one name, not two"),
        pytest.param("*.rows", b'{"B":{"rows":[]}}', [b'{"B":{"rows":['], id="any name first"),
        pytest.param("item", b"[[],[]]", [b"[[", b"[[],["], id="arrays in the body's array"),
        pytest.param("a+b", b'{"a+b":[],"aab":[]}', [b'{"a+b":['], id="no pattern but the star"),
        pytest.param("data", b'{"s":"[{","data":[]}', [b'{"s":"[{","data":['], id="text"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("sizes", [(1,), (3,), (1 << 20,)], ids=str)
def test_records_begin_behind_the_bracket_of_their_path(path, body, before, sizes):
    """``$`` is the body itself, dots separate names, ``*`` is any one name."""
    opened, envelope = walk(body, records=path, sizes=sizes)
    assert opened == [len(text) for text in before]
    assert envelope.records.opened == len(before)


@given(
    siblings=st.dictionaries(
        st.text(min_size=1).filter(lambda name: "." not in name and name != "rows"),
        st.integers() | st.text(max_size=5) | st.booleans() | st.none(),
        max_size=5,
    ),
    sizes=CHUNK_SIZES,
)
def test_what_stands_on_both_sides_is_captured(siblings, sizes):
    """In one pass, by path, under the name that paging uses."""
    half = dict(list(siblings.items())[::2])
    other = {name: value for name, value in siblings.items() if name not in half}
    body = json.dumps({**half, "rows": [], **other}, ensure_ascii=False).encode()
    capture = {f"the {name}": name for name in siblings}
    _, envelope = walk(body, records="rows", capture=capture, sizes=sizes)
    assert envelope.captured == {f"the {name}": value for name, value in siblings.items()}


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1])
def test_the_depth_is_bounded(depth):
    """The deepest nesting that is read, and the first that is not."""
    body = b'{"a":' * depth + b"1" + b"}" * depth
    if depth <= MAX_DEPTH:
        assert walk(body, records="$")[0] == []
    else:
        with pytest.raises(
            MalformedPageError, match=f"nested deeper than {MAX_DEPTH} levels at byte"
        ):
            walk(body, records="$")


def test_long_but_bounded_values_are_read():
    """A value beside the records may be long, and a page may hold many of them."""
    text = "x" * (MAX_VALUE_BYTES // 2)
    body = json.dumps({"a": text, "b": text, "c": text, "rows": []}).encode()
    opened, envelope = walk(body, records="rows", capture={"a": "a"}, sizes=(4_096,))
    assert opened == [len(body) - 2]
    assert envelope.captured == {"a": text}


@pytest.mark.parametrize("where", [0, 10, 300, 5_000])
def test_a_mistake_is_told_to_within_256_bytes(where):
    """Near enough to find it in a body of any size."""
    body = b" " * where + b'{"ok":1,"bad":oops}'
    with pytest.raises(MalformedPageError, match=r"not JSON near byte \d+: lexical error") as wrong:
        walk(body, records="$")
    told = int(str(wrong.value).split("byte ")[1].split(":")[0])
    assert abs(told - body.index(b"oops")) <= 256
