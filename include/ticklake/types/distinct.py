"""Values that Arrow cannot parse: each distinct one goes through the definition, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from include.ticklake.types.values import CoarseColumnError, InvalidValueError

if TYPE_CHECKING:
    import pyarrow as pa


def parse_distinct(read: pa.Array, parse: Callable[[str], int]) -> pa.Array:
    """The integers that *parse* makes of the texts or whole numbers *read*; null stays null.

    ``InvalidValueError`` where any has none, or only a finer column has room for it.
    """
    import pyarrow as pa

    encoded = read.cast(pa.string()).dictionary_encode()
    try:
        values = [parse(text) for text in encoded.dictionary.to_pylist()]
    except CoarseColumnError:
        raise InvalidValueError from None
    return pa.array(values, type=pa.int64()).take(encoded.indices)
