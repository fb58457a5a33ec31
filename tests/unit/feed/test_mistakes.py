"""Mistakes of a feed file in the words of feed files: types, names, choices, lines."""

from __future__ import annotations

import pytest

from include.ticklake.errors import FeedFileError
from include.ticklake.feed import loader
from tests.support.feed_files import VALID, mistakes


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("limits: {attempts: 1.5}", "limits.attempts: must be a whole number"),
        ('limits: {attempts: "3"}', "limits.attempts: must be a whole number; write it as 3"),
        ("limits: {read_timeout_s: 1e400}", "limits.read_timeout_s: must be a number, and neither"),
        ("limits: {max_bad_share: 1e-3}", "limits.max_bad_share: must be a number, and neither "
                                          ".inf nor .nan; write it as 0.001"),
        ("limits: {max_bad_share: -1}", "limits.max_bad_share: must be at least 0"),
        ("limits:", "limits: must be a mapping; it is empty: remove it, or write its options"),
        ("snapshot: yes", "snapshot: must be true or false; write true"),
        ("snapshot: maybe", "snapshot: must be true or false"),
        ("description: 5", "description: must be text; quote it"),
        ("candle: {interval}", "candle: must be text; quote it: '{interval}'"),
        ("retention: {jsn: 1d}", "retention.jsn: unknown key; did you mean 'json'?"),
        ("partBytes: 5", "partBytes: unknown key; did you mean 'part_bytes'?"),
        ("max_pages: 5", "max_pages: unknown key here; 'max_pages' belongs under `limits`"),
        ("extract: false", "extract: false is not one of worker, capped"),
        ("  x: {}", "fields.x.type: missing; Type of the column: int64,"),
        ("  x:", "fields.x: must be a mapping; it is empty"),
        ("  x: int64", "fields.x: must be a mapping"),
        ('  "a b": {type: int64}', "fields.a b: 'a b' is not a valid name; use lower-case letters"),
        ('"a\\nb": 1', "'a\\nb': unknown key; known: description,"),
        ("window: " + "9" * 250, "window: '9999"),
    ],
)  # fmt: skip
def test_a_mistake_is_described_in_the_words_of_feed_files(tmp_path, more, message):
    """One line of bounded length, with what to write instead where that can be known."""
    [line] = mistakes(tmp_path, f"{VALID}{more}\n")
    assert line.startswith(f"small.yaml:8: {message}")
    assert len(line) < 500


def test_a_mistake_in_a_merged_mapping_has_the_line_where_it_is_written(tmp_path):
    """An anchor's content is where the anchor is."""
    text = VALID.replace("  id: {", "  id: &id {").replace("key: true", "kye: true")
    [line] = mistakes(tmp_path, f"{text}  other: {{<<: *id, from: o}}\n")[1:]
    assert line == "small.yaml:6: fields.other.kye: unknown key; did you mean 'key'?"


def test_a_mistake_that_fields_take_from_the_feed_is_reported_once(tmp_path):
    """Where it is written, and not for each field."""
    assert [line.split(": ")[1] for line in mistakes(tmp_path, f"{VALID}null_values: 5\n")] == [
        "null_values"
    ]


@pytest.mark.parametrize("name", ["trades_", "t" * 64])
def test_a_name_that_no_label_of_a_pod_can_hold_is_refused(tmp_path, name):
    """Kubernetes allows 63 characters, a letter or digit last: the feed could never run there."""
    (tmp_path / f"{name}.yaml").write_text(VALID)
    with pytest.raises(FeedFileError, match="a letter or digit last, at most 63"):
        loader.read_feed(tmp_path / f"{name}.yaml")
