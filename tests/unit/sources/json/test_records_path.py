"""What there is instead of an array of records, and when that means that there are none."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from tests.support.json_pages import read
from tests.support.json_texts import CHUNK_SIZES, SPACES, VALUES, exact, joined


@pytest.mark.parametrize(
    ("body", "path", "problem"),
    [
        pytest.param(b'{"code":-1121,"msg":"Invalid symbol."}', "$",
                     "the body is an object with the names code, msg; correct source.records",
                     id="an error"),
        pytest.param(b'{"data":{"rows":1}}', "data",
                     "'data' is an object with the names rows; correct", id="an object there"),
        pytest.param(b'{"data":{"list":[],"n":1}}', "data",
                     "'data' is an object with the names list, n; there is an array at "
                     "'data.list'; correct", id="an array further inside"),
        pytest.param(b'{"data":{"List":[],"n":1}}', "data.list",
                     "'data' is an object with the names List, n; did you mean 'List'?; if",
                     id="another case"),
        pytest.param(b'{"data":null}', "data.list", "'data' is null; if", id="null before it"),
        pytest.param(b'{"data":"[]"}', "data", "'data' is a text; correct", id="a text there"),
        pytest.param(b'{"data":{"list":5}}', "data.list", "'data.list' is a number; correct",
                     id="a number there"),
        pytest.param(b"{}", "data", "the body is an empty object; if", id="nothing"),
        pytest.param(b"5", "$", "the body is a number; correct", id="a number"),
        pytest.param(b"true", "$", "the body is true; correct", id="true"),
        pytest.param(b'[{"a":1}]', "data", "the body is an array; there is an array at '$'; "
                     "correct", id="an array instead"),
        pytest.param(b'[{"a":1}]', "item",
                     "'item' is an object with the names a; there is an array at '$'; correct",
                     id="objects in the array"),
        pytest.param(b'{"result":{"last":"1"}}', "result.*", "'result.last' is a text; if",
                     id="any name"),
        pytest.param(b'{"result":{"last":"1","X":{"rows":[]}}}', "result.*",
                     "'result.X' is an object with the names rows; there is an array at "
                     "'result.X.rows'; correct", id="any name with an object"),
        pytest.param(b'{"a":[],"b":{"c":1}}', "a.x", "'a' is an empty array; there is an array at "
                     "'a'; if", id="an empty array before it"),
        pytest.param(b'{"a":[1],"b":{"c":1}}', "a.x", "'a' is an array; there is an array at 'a'; "
                     "correct", id="an array before it"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("sizes", [[1], [1 << 20]], ids=["bytes", "whole"])
def test_no_array_where_records_should_be_is_refused(body, path, problem, sizes):
    """Asking again would not help; the message says what is there, and where there is one."""
    expected = re.escape(f"no array of records at {path!r}: {problem}")
    with pytest.raises(SourceRefusedError, match=expected):
        read(body, sizes=sizes, records=path)


ABSENT = {
    "null": [(b'{"data":null}', "data"), (b"null", "$"), (b'{"a":{"b":null}}', "a.b"),
             (b"[]", "item"), (b"[]", "item.rows")],
    "empty_object": [(b'{"data":{}}', "data"), (b"{}", "$"), (b"{}", "data"),
                     (b'{"data":{}}', "data.list"), (b'{"result":{}}', "result.*")],
    "missing": [(b'{"code":0}', "data"), (b"{}", "data"), (b'{"data":null}', "data.list"),
                (b"null", "data"), (b'{"data":[]}', "data.list"),
                (b'{"data":{"n":0}}', "data.list"),
                (b'{"result":{"last":"1"}}', "result.*"), (b'{"result":{"X":null}}', "result.*")],
    "empty_text": [(b'{"data":""}', "data"), (b'""', "$")],
    "false": [(b'{"data":false}', "data"), (b"false", "$")],
    "empty_body": [(b"", "$"), (b"", "data"), (b"\r\n", "data")],
}  # fmt: skip
CASES = [(word, body, path) for word, cases in ABSENT.items() for body, path in cases]


@pytest.mark.parametrize(("word", "body", "path"), CASES)
@pytest.mark.parametrize("sizes", [[1], [1 << 20]], ids=["bytes", "whole"])
def test_no_records_is_what_the_source_says_or_one_word_of_the_feed(word, body, path, sizes):
    """``null`` needs none; of the others the error names the word, and the word settles it."""
    if word != "null":
        with pytest.raises((SourceRefusedError, MalformedPageError), match="no_records: "):
            read(body, sizes=sizes, records=path)
    assert read(body, sizes=sizes, records=path, no_records=[word]) == []


@pytest.mark.parametrize(
    ("body", "path"),
    [
        pytest.param(b'{"data":{"x":1}}', "data", id="an object with a name"),
        pytest.param(b'{"data":"x"}', "data", id="a text"),
        pytest.param(b'{"data":0}', "data", id="0"),
        pytest.param(b'{"data":true}', "data", id="true"),
        pytest.param(b'{"data":[{"x":1}]}', "data.list", id="an array before it"),
        pytest.param(b'{"result":{"X":{"rows":[]}}}', "result.*", id="an object of any name"),
        pytest.param(b'"error"', "data", id="a text instead of the body"),
    ],
)
def test_no_word_makes_something_of_nothing(body, path):
    """What may hold records, or say what failed, is an error with every word."""
    with pytest.raises(SourceRefusedError, match="no array of records"):
        read(body, records=path, no_records=list(ABSENT))


@pytest.mark.parametrize("sizes", [[1], [7], [1 << 20]], ids=str)
def test_a_name_that_occurs_twice_is_refused(sizes):
    """Both arrays, or one of them: nobody knows; nothing is dropped or doubled silently."""
    for body, path in [
        (b'{"data":[{"a":1}],"data":[{"a":2}]}', "data"),
        (b'{"r":{"X":[{"a":1}],"Y":[],"X":[{"a":1}]}}', "r.*"),
        (b'{"r":{"d":[]},"r":{"d":[]}}', "r.d"),
    ]:
        with pytest.raises(SourceRefusedError, match=r"two arrays of records at '[a-zX.]+'"):
            read(body, sizes=sizes, records=path)


@pytest.mark.parametrize("sizes", [[1], [7], [1 << 20]], ids=str)
def test_several_arrays_of_one_page_are_read_once_each(sizes):
    """Those at the path, in their order; what is beside or inside them is no record."""
    body = (b'{"other":[{"a":0}],"result":{"X":[{"a":1},{"b":[[{"a":9}]]}],"n":null,"Y":[],'
            b'"Z":[{"a":2}],"deep":{"W":[{"a":8}]}},"result2":{"X":[{"a":7}]}}')  # fmt: skip
    found = read(body, sizes=sizes, records="result.*")
    assert found == ['{"a":1}', '{"b":[[{"a":9}]]}', '{"a":2}']
    batches = b'[[{"a":1}],[],[{"a":2},{"a":2}]]'
    assert read(batches, sizes=sizes, records="item") == ['{"a":1}', '{"a":2}', '{"a":2}']


BODIES = st.builds(
    joined,
    st.just("{"),
    st.lists(st.builds("{}:{}".format, st.sampled_from(['"a"', '"b"', '"c"']), VALUES), max_size=3,
             unique_by=lambda member: member[:3]),
    st.just("}"),
    SPACES,
) | VALUES  # fmt: skip


def outcome(body: str, path: str, words: list[str], sizes: list[int]) -> list[object] | str:
    try:
        return [exact(text) for text in read(body.encode(), sizes=sizes, records=path,
                                             no_records=words)]  # fmt: skip
    except SourceRefusedError as error:
        return str(error)


@given(
    inner=BODIES,
    name=st.sampled_from(["a", "b"]),
    path=st.sampled_from(["$", "a", "a.b", "a.b.c", "item", "a.item", "*", "a.*", "*.b"]),
    words=st.lists(st.sampled_from(list(ABSENT)[1:]), max_size=5),
    sizes=CHUNK_SIZES,
)
def test_chunks_make_no_difference_and_the_records_are_those_of_a_parser(
    inner, name, path, words, sizes
):
    """Wherever the chunks end: the same records, or the same error."""
    body = f'{{"{name}":{inner}}}'
    found = outcome(body, path, words, sizes)
    assert found == outcome(body, path, words, [1 << 20])
    if "*" not in path and "item" not in path:
        value = exact(body)
        for step in [] if path == "$" else path.split("."):
            value = value.get(step, "missing") if isinstance(value, dict) else "missing"
        if isinstance(value, list) or value is None:
            assert found == (value or [])
        elif not words:
            assert isinstance(found, str)
        else:
            assert found == [] or isinstance(found, str)
