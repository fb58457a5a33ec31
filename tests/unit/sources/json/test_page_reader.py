"""Every record of a page comes out once, as the source wrote it, wherever the chunks end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from tests.support.json_pages import read, reading
from tests.support.json_texts import (
    CHUNK_SIZES,
    RECORDS,
    SCALARS,
    VALUES,
    exact,
    joined,
    minified,
    objects,
)

# ---- any records, any chunks

WRAPPINGS = {
    "root": ("$", "{records}"),
    "data": ("data", '{{"code":"0", {before} "data" : {records}, "z":{after}}}'),
    "wild": ("result.*", '{{"x":{before_value},"result":{{"XXBTZUSD":{records},"last":"1"}}}}'),
    "deep": ("a.b.c", '{{ "z":{after},"a":{{"n":1,"b":{{"c":{records}}} }}}}'),
}  # fmt: skip


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@given(
    texts=st.lists(RECORDS, max_size=6),
    space=st.sampled_from(["", " ", "\n", "\r\n\t"]),
    sibling=VALUES,
    sizes=CHUNK_SIZES,
)
@example(texts=['{"a": 1}'] * 5, space="\n", sibling="0", sizes=[9])
@example(
    texts=['{"a":"\\\\"}', '{"a":"},{"}', '{"a":[{"b":1},{"b":2}]}'],
    space="",
    sibling="[]",
    sizes=[3],
)
def test_records_come_out_as_they_were_written(wrapping, texts, space, sibling, sizes):
    """Byte for byte; only a record with a line break in it is put on one line."""
    path, form = WRAPPINGS[wrapping]
    body = form.format(
        records=joined("[", texts, "]", space),
        before=f'"before":{sibling},',
        before_value=sibling,
        after=sibling,
    ).encode()
    page = reading(body, sizes=sizes, records=path)
    found = [bytes(record).decode() for record in page]
    assert found == [minified(t) if "\n" in t or "\r" in t else t for t in texts]
    assert [exact(text) for text in found] == [exact(text) for text in texts]
    assert page.body_bytes == len(body)


@given(batches=st.lists(st.lists(RECORDS, max_size=4), max_size=4), sizes=CHUNK_SIZES)
def test_records_may_come_in_batches(batches, sizes):
    """``item`` reads the arrays inside the body's own array, one after the other."""
    body = joined("[", (joined("[", batch, "]", "") for batch in batches), "]", " ").encode()
    expected = [exact(text) for batch in batches for text in batch]
    assert [exact(text) for text in read(body, sizes=sizes, records="item")] == expected


@given(
    before=SCALARS,
    after=SCALARS,
    other=objects(VALUES),
    texts=st.lists(objects(SCALARS), max_size=3),
    sizes=CHUNK_SIZES,
)
def test_values_beside_the_records_are_captured_exactly(before, after, other, texts, sizes):
    """Before and after the records, at any depth, with every digit; others are passed over."""
    body = (
        f'{{"before":{before},"o":{other},"rows":{joined("[", texts, "]", "")},'
        f'"info":{{"after":{after}}},"rows_total":12345678901234567890123}}'
    ).encode()
    page = reading(
        body,
        sizes=sizes,
        records="rows",
        capture={"b": "before", "a": "info.after", "n": "rows_total", "none": "not.there"},
    )
    assert len(list(page)) == len(texts)
    assert page.captured == {"b": exact(before), "a": exact(after), "n": 12345678901234567890123}
    assert not any(isinstance(value, float) for value in page.captured.values())


@given(
    rows=st.lists(st.lists(VALUES, min_size=3, max_size=3), max_size=5),
    odd=st.sampled_from(["[1,2]", "[]", '{"a":1}', '"x"', "5", "null"]),
    sizes=CHUNK_SIZES,
)
def test_arrays_become_objects_with_the_columns_names(rows, odd, sizes):
    """Values stay the source's text; what does not fit the names stays as it came."""
    texts = [f"[{','.join(row)}]" for row in rows] + [odd]
    found = read(f"[{','.join(texts)}]".encode(), sizes=sizes, columns=["t", 'na"me', "é"])
    assert found.pop() == odd
    for text, row in zip(found, rows, strict=True):
        assert exact(text) == dict(zip(["t", 'na"me', "é"], map(exact, row), strict=True))


def test_a_number_keeps_its_spelling():
    """No digit is lost, none is added, and 1.10 does not become 1.1."""
    numbers = [
        "1.10",
        "0.100000000000000001",
        "1E400",
        "-0",
        "-0.0e-7",
        "9" * 6_000,
        "1e-999999999",
    ]
    assert read(f"[{','.join(numbers)}]".encode()) == numbers


@pytest.mark.parametrize("sizes", [[1], [7], [1 << 20]], ids=str)
def test_half_a_surrogate_pair_is_kept(sizes):
    """A source that cuts a text in the middle of an emoji does not stop its feed."""
    texts = [r'{"name":"\ud83d","\uDE00":"\\ud83d A\u0020"}', '{"a":1}', '{"b": "\\ud83d",\n"c":2}']
    found = read(f"[{', '.join(texts)}]".encode(), sizes=sizes)
    assert found == [*texts[:2], r'{"b":"\ud83d","c":2}']
    [row] = read(rb'[["\ud83d",1]]', sizes=sizes, columns=["a", "b"])
    assert row == r'{"a":"\ud83d","b":1}'


def test_records_are_given_before_the_body_ends():
    """The reader has a record before the rest of the page has arrived."""
    arrived: list[int] = []

    def body() -> Iterator[bytes]:
        for n in range(100):
            arrived.append(n)
            yield (b"[" if n == 0 else b",") + b'{"n":%d}' % n
        yield b"]"

    records = iter(reading(body()))
    assert bytes(next(records)) == b'{"n":0}'
    assert len(arrived) <= 3


# ---- whatever is broken is said, never shortened

SMALL = b'{"code":0,"data":[{"a":"x,]}","b":[1.5,{"c":null}]},{"a":"\xc3\xa9"}],"last":17}'


@pytest.mark.parametrize("sizes", [[1], [5], [1 << 20]], ids=str)
@pytest.mark.parametrize("kept", range(len(SMALL)))
def test_a_cut_body_is_never_taken_for_a_whole_one(kept, sizes):
    """Cut behind any byte, it raises; what was read before is a beginning of the truth."""
    found = []
    page = reading(SMALL[:kept], sizes=sizes, records="data")
    expected = rf"\b{kept}\b|near byte \d+" if kept else "the body is empty"
    with pytest.raises(MalformedPageError, match=expected):
        found.extend(map(bytes, page))
    assert found == read_bytes(SMALL, records="data")[: len(found)]


def read_bytes(body: bytes, **options) -> list[bytes]:
    return [bytes(record) for record in reading(body, **options)]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"", "the body is empty", id="nothing"),
        pytest.param(b" \n", "the body is empty", id="white space"),
        pytest.param(b'{"a":', "the body ends early, at byte 5", id="an end in an object"),
        pytest.param(b'{"a":"\xc3', "the body ends early, at byte 7", id="an end in a letter"),
        pytest.param(b'[{"a":1}', "the body ends at byte 8, inside its records", id="an early end"),
        pytest.param(b"<!DOCTYPE html><html>", "not JSON near byte 0", id="html"),
        pytest.param(b"\xef\xbb\xbf[]", "not JSON near byte 0", id="byte order mark"),
        pytest.param(b"\x1f\x8b\x08\x00", "not JSON near byte 0", id="still packed"),
        pytest.param(b'[{"a":1},]', "not JSON at byte [89]", id="trailing comma"),
        pytest.param(b'[,{"a":1}]', "not JSON at byte 1", id="leading comma"),
        pytest.param(b'[{"a":1},,{"a":2}]', "not JSON at byte", id="two commas"),
        pytest.param(b'[{"a":1} {"a":2}]', "not JSON at byte 9", id="no comma"),
        pytest.param(b'[{"a":1,}]', "not JSON at byte 8", id="comma in an object"),
        pytest.param(b'[{"a":1}}', "not JSON near byte", id="wrong closing bracket"),
        pytest.param(b'[{"a":1]]', "not JSON at byte", id="wrong bracket inside"),
        pytest.param(b'[{"a":nan}]', "not JSON at byte 7", id="nan"),
        pytest.param(b'[{"a":Inf}]', "not JSON at byte 6", id="Inf"),
        pytest.param(b"[{'a':1}]", "not JSON at byte 2", id="single quotes"),
        pytest.param(b'[{"a":01}]', "not JSON at byte 7", id="leading zero"),
        pytest.param(b'[{"a":"\x01"}]', "not JSON at byte 7", id="control character"),
        pytest.param(b'[{"a":"\\x"}]', "not JSON at byte 8", id="unknown escape"),
        pytest.param(b'[\x0b{"a":1}]', "not JSON at byte 1", id="vertical tab"),
        pytest.param(b"[\x0b]", "not JSON at byte 1", id="vertical tab in an empty array"),
        pytest.param(b'[{"a":"\xe9"}]', "invalid UTF-8 at byte 7", id="latin-1"),
        pytest.param(b'[{"a":1}]]', "not JSON near byte [89]", id="a bracket too many"),
        pytest.param(b"[] []", "not JSON near byte", id="two bodies"),
        pytest.param(b'[{"a":1}] x', "not JSON near byte", id="trailing garbage"),
        pytest.param(b'[1]\x00', "not JSON near byte", id="trailing zero byte"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("sizes", [[1], [1 << 20]], ids=["bytes", "whole"])
def test_what_is_no_json_is_refused_with_its_byte(body, message, sizes):
    """The message has the byte of the body, and nothing of the body's text."""
    with pytest.raises(MalformedPageError, match=message) as wrong:
        read(body, sizes=sizes)
    assert '"a"' not in str(wrong.value)


@pytest.mark.parametrize("at", [0, 1, 7, 9_000])
@pytest.mark.parametrize("size", [3, 4_096, 1 << 20])
def test_invalid_utf8_is_named_by_its_exact_byte(at, size):
    """Wherever it is and wherever the chunks end."""
    start = b'[{"n":0}' + b',{"n":1}' * at
    body = start + b',{"s":"ok \xc3\xa9 \xff"}]'
    with pytest.raises(MalformedPageError, match=rf"invalid UTF-8 at byte {body.index(255)}$"):
        read(body, sizes=[size])


@given(
    texts=st.lists(objects(SCALARS), min_size=1, max_size=4),
    at=st.floats(0, 1, exclude_max=True),
    change=st.sampled_from(["drop", "double", "put", "put", "put"]),
    byte=st.sampled_from(b'[]{},:"\\ \n01.eE+-tn\x00\x0b\x7f\xff\xc3\xed\xa0'),
    sizes=CHUNK_SIZES,
    path=st.sampled_from(["$", "data"]),
)
def test_a_changed_byte_is_noticed_or_is_the_truth(texts, at, change, byte, sizes, path):
    """What is read is what an exact parser reads of the whole body, or it raises."""
    array = joined("[", texts, "]", " ")
    body = (array if path == "$" else f'{{"ok":{texts[0]},"data":{array},"é":[1]}}').encode()
    at = int(at * len(body))
    new = {"drop": b"", "double": body[at : at + 1] * 2, "put": bytes([byte])}[change]
    body = body[:at] + new + body[at + 1 :]
    found, truth = outcome(body, sizes=sizes, path=path), rows_of(body, path)
    # Half a surrogate pair is JSON; beside the records ijson cannot read it.
    assert found == truth or found == "invalid UTF-8 near"


def outcome(body: bytes, *, sizes: list[int], path: str) -> list | str:
    """The records, or the beginning of what was said instead."""
    try:
        return [exact(text) for text in read(body, sizes=sizes, records=path)]
    except MalformedPageError as wrong:
        return "invalid UTF-8 near" if "invalid UTF-8 near" in str(wrong) else "broken"
    except SourceRefusedError:
        return "refused"


def rows_of(body: bytes, path: str) -> list | str:
    """What an exact parser finds in the whole body."""
    try:
        found = exact(body.decode())
    except ValueError:
        return "broken"
    at = found if path == "$" else found.get("data", "") if isinstance(found, dict) else ""
    return [] if at is None else at if isinstance(at, list) else "refused"


def test_decimals_compare_as_the_source_wrote_them():
    """The reference of these tests keeps digits itself, or it would hide a loss."""
    assert exact("[1.10]") == [Decimal("1.10")]
    assert json.dumps(str(exact("1.10"))) == '"1.10"'
