"""Names for the values of records that are arrays, beyond those in the feed's ``columns``.

The ninth value of a record is ``column_9`` until the feed names it. A column has such a name at
its own place only, so that a name never means another value.
"""

from __future__ import annotations

import re

_UNNAMED = re.compile(r"column_([1-9][0-9]{0,8})")


def unnamed_column(position: int) -> str:
    """The name of the value at *position*, counted from 1, that has no name in the feed."""
    return f"column_{position}"


def position_of(name: str) -> int | None:
    """The position that *name* stands for, if it is the name of an unnamed column."""
    match = _UNNAMED.fullmatch(name)
    return int(match[1]) if match else None
