"""What pydantic says is put into words: every pattern, and nothing of its own."""

from __future__ import annotations

from typing import get_args

from annotated_types import Interval
from pydantic.fields import FieldInfo

from include.ticklake.feed.feed import Feed
from include.ticklake.feed.model_options import all_models, options
from include.ticklake.feed.problem_texts import PATTERNS, shorten, show, show_name


def test_every_pattern_of_the_models_is_put_into_words():
    """A regular expression is no description of what to write."""
    patterns = {
        pattern
        for _, model in all_models(Feed)
        for _, info in options(model)
        for pattern in _patterns(info)
    }
    assert patterns
    assert patterns <= PATTERNS.keys()


def _patterns(info: FieldInfo) -> list[str]:
    nested = [part for arg in get_args(info.annotation) for part in (arg, *get_args(arg))]
    parts = [*info.metadata, *(meta for arg in nested for meta in getattr(arg, "__metadata__", ()))]
    found = (getattr(part, "pattern", None) for part in parts if not isinstance(part, Interval))
    return [pattern for pattern in found if pattern]


def test_a_value_is_shown_as_yaml_has_it_and_not_all_of_a_long_one():
    """In one line."""
    assert [show(value) for value in (None, True, 5, "a\nb")] == ["null", "true", "5", "'a\\nb'"]
    assert len(show("x" * 10_000)) < 100
    assert (show_name("a"), show_name("a\nb"), shorten("a\tbc", 3)) == ("a", "'a\\nb'", "a\\t...")
