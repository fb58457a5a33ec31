"""An object without an e-tag still has a version."""

from __future__ import annotations

from include.ticklake.lake.versions import version_of


def test_the_version_is_the_stores_own_or_a_hash():
    """Other bytes, another version."""
    assert version_of(b"1", '"e"') == '"e"'
    assert version_of(b"1", None) == version_of(b"1", "") != version_of(b"2", None)
