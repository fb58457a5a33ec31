"""Sizes in bytes: parse what people write, format what people read."""

from __future__ import annotations

import re

from pydantic import ByteSize, TypeAdapter

from include.ticklake.errors import UsageError

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

_BYTE_SIZE = TypeAdapter(ByteSize)
# Units of 1,024 only: whoever writes 128MB for a memory limit means 128MiB.
_SIZE = re.compile(r"\d+(\.\d+)? ?(B|[KMG]iB)?", re.ASCII)


def parse_bytes(text: str) -> int:
    """The bytes of a size such as ``128MiB``, ``1.5 GiB`` or ``1048576``."""
    if not _SIZE.fullmatch(text.strip()):
        raise UsageError(f"{text!r} is not a size; write it as 128MiB, 512KiB or 1048576")
    return int(_BYTE_SIZE.validate_python(text.strip()))


def format_bytes(size_bytes: int) -> str:
    """``128 MiB``, ``1.5 GiB``, ``300 bytes``: for people, never parsed again."""
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size_bytes >= unit:
            return f"{round(size_bytes / unit, 1):g} {name}"
    return f"{size_bytes} bytes"
