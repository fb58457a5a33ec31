"""Renamed keys are known by their path, so that other keys of that name are not."""

from __future__ import annotations

import pytest

from include.ticklake.feed.renamed_keys import RENAMED_KEYS, new_key, new_value
from tests.conftest import REPOSITORY


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("fields.price.was", "renamed_from"),
        ("source.errors.slow_down", "rate_limited"),
        ("source.bans", "ban_statuses"),
        ("source.params.rate", None),
        ("fields.was", None),
        ("was", None),
    ],
)
def test_an_old_key_is_known_at_its_place_only(path, new):
    """A column called `was` is not an old key."""
    assert new_key(path) == new


def test_an_old_paging_kind_is_known_at_its_place_only():
    """`header` is a kind of auth, too."""
    assert new_value("source.paging.kind", "header") == "header_cursor"
    assert new_value("source.auth.kind", "header") is None
    assert new_value("source.paging.kind", "cursor") is None


def test_every_new_key_is_one_of_the_format_and_in_the_upgrade_note():
    """The error leads to a key that is valid, and the note lists all of them."""
    schema = (REPOSITORY / "include" / "feeds" / "feed.schema.json").read_text(encoding="utf-8")
    note = (REPOSITORY / "docs" / "upgrading.md").read_text(encoding="utf-8")
    for path, new in RENAMED_KEYS.items():
        assert f'"{new}": {{' in schema
        old = path.rpartition(".")[2]
        assert f"`{old}`" in note
        assert f"`{new}`" in note
