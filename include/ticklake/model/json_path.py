"""The value at ``a.b.c`` of a JSON record: it alone is decoded, the rest is skipped.

Half of a surrogate pair anywhere in a record makes no difference to what is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from include.ticklake.model import surrogates
from include.ticklake.model.surrogates import Restore


def type_with(path: Sequence[str], kind: Any = msgspec.Raw) -> Any:  # noqa: ANN401 - msgspec's types
    """A type for ``msgspec`` that holds the value at *path*, as *kind*, and skips all else."""
    for name in reversed(path):
        struct = msgspec.defstruct("At", [("value", kind, None)], rename={"value": name})
        kind = struct | None
    return kind


def value_in(decoded: Any, path: Sequence[str]) -> Any:  # noqa: ANN401 - any JSON
    """The value at *path* of what was *decoded* as ``type_with``; None where there is none."""
    for _ in path:
        if decoded is None:
            return None
        decoded = decoded.value
    return decoded


def finder(path: Sequence[str], kind: Any = msgspec.Raw) -> Callable[[bytes | msgspec.Raw], Any]:  # noqa: ANN401
    """A function that reads the value at *path* of a record, as *kind*.

    None where there is none, or another kind, or where the record is not readable. Texts
    (``msgspec.Raw``) come as the record has them, to the byte.
    """
    decode = msgspec.json.Decoder(type_with(path, kind)).decode

    def find(record: bytes | msgspec.Raw, restore: Restore | None = None) -> Any:  # noqa: ANN401
        try:
            value = decode(record)
            for _ in path:  # as value_in, without a call for each record
                if value is None:
                    return None
                value = value.value
        except (msgspec.MsgspecError, RecursionError):
            text = bytes(record)
            clean, restore = surrogates.mask_lone_surrogates(text)
            return None if clean is text else find(clean, restore)
        return (
            msgspec.Raw(restore(bytes(value)))
            if restore and kind is msgspec.Raw and value
            else value
        )

    return find
