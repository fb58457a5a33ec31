"""The structure of a JSON body around its records, in one pass over it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import IO

import ijson

from include.ticklake.errors import MalformedPageError, SourceRefusedError

_SCALARS = {"string", "number", "boolean"}
_MAX_PATHS = 200
_INSTRUMENT = re.compile(r"[A-Z0-9][A-Z0-9._/:-]{4,}")


@dataclass(slots=True, kw_only=True)
class JsonShape:
    """The structure of a body around its records."""

    arrays: dict[str, int] = field(default_factory=dict)
    """Paths of the outermost arrays, and how many objects or arrays each holds."""
    siblings: dict[str, object] = field(default_factory=dict)
    """Path -> value of the scalars outside all arrays."""


def read_shape(body: IO[bytes]) -> JsonShape:
    """The structure of the whole body, in one pass that keeps only paths."""
    body.seek(0)
    shape, depth = JsonShape(), 0
    try:
        for path, event, value in ijson.parse(body):
            if event == "start_array":
                depth += 1
                if depth == 1 and len(shape.arrays) < _MAX_PATHS:
                    shape.arrays.setdefault(path, 0)
            elif event == "end_array":
                depth -= 1
            if event in ("start_map", "start_array") and path.endswith("item"):
                array = path.removesuffix("item").removesuffix(".")
                if array in shape.arrays and depth == 1 + (event == "start_array"):
                    shape.arrays[array] += 1
            if event in _SCALARS and not depth and len(shape.siblings) < _MAX_PATHS:
                shape.siblings[path] = value
    except ijson.JSONError:
        raise MalformedPageError("the response is not JSON, or ended early") from None
    return shape


def records_path(shape: JsonShape, *, where: str) -> str:
    """The path of the array with the most records, as a feed writes it."""
    most = max(shape.arrays.values(), default=0)
    if not most:
        names = ", ".join(list(shape.siblings)[:20]) or "none"
        raise SourceRefusedError(
            f"{where}: no array of records; the names in the body: {names}; request a range that "
            "has records, or name their path with --records PATH"
        )
    path = next(path for path, count in shape.arrays.items() if count == most)
    parent, _, name = path.rpartition(".")
    if parent and _INSTRUMENT.fullmatch(name):
        return f"{parent}.*"
    return path or "$"
