"""Names that say what stands in a body are in lower case, as they are compared."""

from __future__ import annotations

from include.ticklake.scaffold.record_names import COLLECTIONS, ENVELOPE, SIDES, WRAPPERS


def test_names_are_in_lower_case():
    """A name in another case would never be found."""
    names = {*COLLECTIONS, *ENVELOPE, *WRAPPERS, *(name for side in SIDES for name in side)}
    assert names == {name.lower() for name in names}


def test_a_wrapper_is_a_collection():
    """What is found by one is found by the other."""
    assert WRAPPERS < COLLECTIONS
