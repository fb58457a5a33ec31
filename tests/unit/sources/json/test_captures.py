"""Values around the records are captured whatever their form, for every name that asks."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError
from include.ticklake.sources.json.captures import MAX_CAPTURED_SIZE, MAX_KEPT
from tests.support.json_pages import reading
from tests.support.json_texts import CHUNK_SIZES, VALUES, exact


def captured(body: str, capture: dict[str, str], *, sizes: list[int] | None = None) -> dict:
    page = reading(body.encode(), sizes=sizes, records="rows", capture=capture)
    list(page)
    return dict(page.captured)


@given(before=VALUES, inside=VALUES, after=VALUES, sizes=CHUNK_SIZES)
def test_a_value_of_any_form_is_what_a_parser_of_the_whole_body_reads(before, inside, after, sizes):
    """Before and after the records, inside another value, wherever the chunks end."""
    body = f'{{"b":{before},"o":{{"i":{inside},"x":[{inside}]}},"rows":[{{}}],"a":{after}}}'
    whole = exact(body)
    capture = {"b": "b", "a": "a", "o": "o", "i": "o.i", "again": "o.i", "item": "o.x.item"}
    assert isinstance(whole, dict)
    assert captured(body, capture, sizes=sizes) == {
        "b": whole["b"], "a": whole["a"], "o": whole["o"], "i": whole["o"]["i"],
        "again": whole["o"]["i"], "item": whole["o"]["x"][-1],
    }  # fmt: skip


def test_names_that_share_a_path_are_all_captured():
    """Paging and errors may read the same value."""
    assert captured('{"rows":[],"x":5}', {"a": "x", "b": "x"}) == {"a": 5, "b": 5}


def test_of_a_path_that_occurs_twice_the_last_value_counts():
    """As every parser has it."""
    assert captured('{"x":1,"rows":[],"x":[2]}', {"a": "x"}) == {"a": [2]}


def test_of_the_records_inside_a_captured_value_nothing_is_kept():
    """A page may be of any size."""
    page = reading(b'{"d":{"n":1,"rows":[{"a":1}]}}', records="d.rows", capture={"d": "d"})
    assert len(list(page)) == 1
    assert page.captured == {"d": {"n": 1, "rows": []}}


@pytest.mark.parametrize("value", ["[0,0]", '["xx"]', '{"x":0}'])
def test_a_large_value_is_refused(value):
    """It would be held whole."""
    many = f"[{','.join([value] * (MAX_CAPTURED_SIZE // 2))}]"
    with pytest.raises(MalformedPageError, match="value at 'x' is too large to be captured"):
        captured(json.dumps({"rows": []})[:-1] + f',"x":{many}}}', {"a": "x"})


@given(st.text(min_size=1).filter(lambda name: "." not in name))
def test_any_name_is_a_path(name):
    """Without dots in it."""
    assert captured(json.dumps({name: {}, "rows": []}), {"a": name}) == (
        {"a": {}} if name != "rows" else {"a": []}
    )


def test_of_a_plain_capture_objects_and_arrays_are_left_out():
    """However large they are."""
    large = f'{{"y":[{",".join(["0"] * MAX_CAPTURED_SIZE)}]}}'
    for text, values in ((large, {}), ("5", {"a": 5}), ('["x"]', {}), ("null", {"a": None})):
        page = reading(
            f'{{"x":{text},"rows":[]}}'.encode(), records="rows", capture_plain={"a": "x"}
        )
        assert list(page) == []
        assert page.captured == values


@given(values=st.lists(VALUES, max_size=5), sizes=CHUNK_SIZES)
def test_every_value_of_an_array_is_captured_where_each_counts(values, sizes):
    """In their order; nothing where there is none."""
    body = f'{{"x":[{",".join(values)}],"rows":[]}}'.encode()
    page = reading(body, sizes=sizes, records="rows", capture_every={"a": "x.item"})
    assert list(page) == []
    assert page.captured == ({"a": list(map(exact, values))} if values else {})


def test_values_without_end_are_refused():
    """A list of codes is short."""
    body = f'{{"x":[{",".join(["0"] * (MAX_KEPT + 1))}],"rows":[]}}'.encode()
    with pytest.raises(MalformedPageError, match=f"more than {MAX_KEPT} values at 'x.item'"):
        list(reading(body, records="rows", capture_every={"a": "x.item"}))
