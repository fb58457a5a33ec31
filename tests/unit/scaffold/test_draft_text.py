"""Lines of a draft are YAML whatever the source's names and values are."""

from __future__ import annotations

import pytest
import yaml

from include.ticklake.errors import UsageError
from include.ticklake.scaffold.draft_text import commented, one_line, read_draft, yaml_text


@pytest.mark.parametrize("value", ["a: b # c", "yes", "", {"x": ["{y}", None]}, "é\n"])
def test_any_value_is_one_line_of_yaml(value):
    """That means the same."""
    assert "\n" not in yaml_text(value)
    assert yaml.safe_load(yaml_text(value)) == value


def test_a_reason_is_a_comment_of_one_line():
    """Without a reason there is none."""
    assert commented("a: 1", "two\nlines") == "a: 1  # guess: two lines"
    assert commented("a: 1", "") == "a: 1"
    assert one_line("a\tb") == "a b"


def test_a_draft_that_is_no_feed_is_refused():
    """With the line."""
    with pytest.raises(UsageError, match="no feed can be drafted from this page: line 1"):
        read_draft("source: {kind: none}\n")
