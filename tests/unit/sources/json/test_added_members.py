"""A record gets members from around it, before its own; its own text stays as it was."""

from __future__ import annotations

import pytest

from include.ticklake.model.record import Record
from include.ticklake.sources.json.added_members import KeyMember, with_members
from tests.support.json_pages import read


@pytest.mark.parametrize(
    ("record", "text"),
    [
        pytest.param(b'{"b":1.10}', b'{"a":"x","b":1.10}', id="an object"),
        pytest.param(b'{ "b":1}', b'{"a":"x", "b":1}', id="white space"),
        pytest.param(b"{}", b'{"a":"x"}', id="an empty one"),
        pytest.param(b"{ }", b'{"a":"x" }', id="an empty one with white space"),
        pytest.param(b"[1]", b"[1]", id="an array has no names"),
        pytest.param(b"5", b"5", id="nor has a number"),
    ],
)
def test_members_come_before_the_records_own(record, text):
    """What is no object stays as it is: conversion says why it is refused."""
    assert bytes(with_members(Record(record), b'"a":"x"')) == text


def test_the_key_is_the_name_of_the_last_star():
    """Whatever the name holds."""
    assert KeyMember("k", path="a.*.b").member(["a", 'x"y', "b"]) == rb'"k":"x\"y"'
    assert KeyMember("k", path="*.*").member(["a", "b"]) == b'"k":"b"'


def test_the_sides_of_a_book_are_told_by_their_name():
    """``records: '*'`` reads both arrays, and each level says which one it is of."""
    book = b'{"lastUpdateId":5,"bids":[["1.10","2"]],"asks":[["1.20","3"],["1.3","4"]]}'
    levels = read(book, records="*", key_as="side", columns=["price", "size"])
    assert levels == [
        '{"side":"bids","price":"1.10","size":"2"}',
        '{"side":"asks","price":"1.20","size":"3"}',
        '{"side":"asks","price":"1.3","size":"4"}',
    ]


def test_nothing_is_added_where_there_is_nothing_to_add():
    """Not even a comma: the record is what it was."""
    assert bytes(with_members(Record(b'{"b":1}'), b"")) == b'{"b":1}'
