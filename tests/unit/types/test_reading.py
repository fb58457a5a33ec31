"""Each type says how the kernel reads it, with the numbers that the kernel has."""

from __future__ import annotations

import re

from include.ticklake.kernel.build import SOURCE
from include.ticklake.types.reading import Kind


def test_kinds_have_the_numbers_of_the_kernel():
    """In the order of its enumeration."""
    (names,) = re.findall(r"enum Kind \{([^}]*)\}", SOURCE.read_text(encoding="utf-8"))
    assert [name.strip() for name in names.split(",")] == [kind.name for kind in Kind]
    assert [kind.value for kind in Kind] == list(range(len(Kind)))
