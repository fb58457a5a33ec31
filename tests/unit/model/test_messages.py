"""A step's messages arrive as they were written, and no other line is taken for one."""

from __future__ import annotations

import json

import pytest

from include.ticklake.errors import RateLimitedError, SourceRefusedError, TicklakeError, UserError
from include.ticklake.model import messages
from include.ticklake.model.messages import (
    CompactDone,
    ConvertDone,
    ExtractDone,
    Failed,
    LargestRecord,
)

EXTRACTED = ExtractDone(
    manifest="file:///lake/manifests/rows/x.json",
    pages=2,
    received_rows=30,
    rows=28,
    outside_rows=2,
    json_bytes=400,
    new_fields=("venue",),
    seconds=0.25,
    peak_bytes=70,
)
CONVERTED = ConvertDone(
    manifest="file:///lake/manifests/rows/x.json",
    rows=27,
    quarantined_rows=1,
    json_bytes=900,
    parquet_bytes=300,
    sorted=True,
    seconds=0.5,
    peak_bytes=80,
)
COMPACTED = CompactDone(
    day="20261122T000000Z-20261123T000000Z",
    slice="symbol=BTCUSDT",
    rows=0,
    files=0,
    parquet_bytes=0,
    skipped="3 of 24 windows are not converted yet",
    seconds=0.0,
    peak_bytes=0,
)
LARGEST = LargestRecord(largest_record_bytes=9, largest_record_at="byte 7 of json/x")
FAILED = Failed(error="DataError", message="where: what")


@pytest.mark.parametrize(
    "message",
    [EXTRACTED, CONVERTED, COMPACTED, LARGEST, FAILED],
    ids=lambda message: type(message).__name__,
)
def test_a_message_arrives_as_it_was_written(message):
    """On one line, with its kind as ``type``."""
    line = messages.encode(message)
    assert "\n" not in line
    assert json.loads(line)["type"] == type(message).__name__
    assert messages.decode(line) == message


def test_the_fields_of_a_result_are_stable_for_scripts():
    """New fields are named only where there are any; a compaction always has all of its keys."""
    assert set(json.loads(messages.encode(EXTRACTED))) == {
        "type", "manifest", "pages", "received_rows", "rows", "outside_rows", "json_bytes",
        "new_fields", "seconds", "peak_bytes",
    }  # fmt: skip
    assert set(json.loads(messages.encode(CONVERTED))) == {
        "type", "manifest", "rows", "quarantined_rows", "json_bytes", "parquet_bytes", "sorted",
        "seconds", "peak_bytes",
    }  # fmt: skip
    assert set(json.loads(messages.encode(COMPACTED))) == {
        "type", "day", "slice", "rows", "files", "parquet_bytes", "skipped", "seconds",
        "peak_bytes",
    }  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("2026-11-22 INFO convert.done rows=5", id="plain text"),
        pytest.param('{"rows": 5, "manifest": "x", "error": "y"}', id="JSON without a type"),
        pytest.param('{"type": "request", "rows": 5}', id="a library's own type"),
        pytest.param('{"type": "LargestRecord", "largest_record_bytes": "9"}', id="other fields"),
        pytest.param('{"type": "Failed"', id="cut off"),
        pytest.param('{"type": "Failed", "error": "\ud800"}', id="a lone surrogate"),
        pytest.param('{"type": "Failed", "error": "x", "y": ' + "[" * 30_000, id="nested deep"),
        pytest.param("[1, 2]", id="another JSON value"),
        pytest.param("", id="empty"),
    ],
)
def test_any_other_line_is_log(line):
    """Also one that is JSON, or looks like a message."""
    assert messages.decode(line) is None


def test_fields_of_a_newer_version_are_ignored():
    """The image of a step may be newer than the operator that reads it."""
    line = messages.encode(LARGEST).replace("{", '{"more": [1, {"a": 2}], ', 1)
    assert messages.decode(line) == LARGEST


def error_classes(error_class: type[TicklakeError] = TicklakeError) -> list[type[TicklakeError]]:
    """The whole tree."""
    children = error_class.__subclasses__()
    return [error_class, *(deeper for child in children for deeper in error_classes(child))]


@pytest.mark.parametrize("error_class", error_classes(), ids=lambda kind: kind.__name__)
def test_a_failure_is_raised_as_the_same_error(error_class):
    """Its class, its message, and how long to wait."""
    error = (
        error_class("x", retry_after_s=7.5)
        if issubclass(error_class, RateLimitedError)
        else error_class("where: what")
    )
    message = messages.decode(messages.encode(Failed.of(error)))
    assert isinstance(message, Failed)
    again = message.to_error()
    assert (type(again), str(again), vars(again)) == (error_class, str(error), vars(error))


def test_an_error_that_is_unknown_here_is_one_of_ours():
    """A step of a newer version may have more kinds."""
    assert type(Failed(error="Newer", message="x").to_error()) is TicklakeError


def test_no_class_outside_the_tree_is_made():
    """The name of an error is not a way to any other class."""
    assert {UserError, SourceRefusedError} < set(error_classes())
    assert type(Failed(error="SystemExit").to_error()) is TicklakeError
