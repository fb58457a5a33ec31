"""Paths as feed files write them: names with dots between them, such as ``quotes.USD.price``.

Other tools write paths in other ways (``$.data``, ``data[*]``, ``/data``). Such a path would
find nothing, quietly; so it is refused, together with how it is written here.
"""

from __future__ import annotations

import re

_NAME = r"[^.\s\[\]/]+"
_ONE_NAME = rf"(?!\*(\.|$)){_NAME}"
PATH = rf"^(?!\$){_ONE_NAME}(\.{_ONE_NAME})*$"
"""The pattern of a path to one value."""
RECORDS_PATH = rf"^(\$|(?!\$){_NAME}(\.{_NAME})*)$"
"""The pattern of a path to arrays of records: ``$`` is the body, ``*`` stands for any name."""

_MAX_CHARACTERS = 1_000
"""What the patterns below take apart stays short: some of them look at a character many times."""
_ELEMENT = "item"
"""The name of every element of an array, in a body."""
_QUOTED = re.compile(r"""\[(['"])(.*?)\1\]""")
_INDEX = re.compile(r"\[[^\]]*\]")
_NUMBER = re.compile(r"\[([0-9]+)\]")
_POSITION = re.compile(r"-?\d+")


def check_record_path(path: str) -> str:
    """*path*, of a value in a record; ``ValueError`` says how to write it."""
    _refuse_long(path)
    if re.fullmatch(PATH, path):
        return path
    if positions := _with_positions(path):
        raise ValueError(
            f"{path!r} is not a path; write names and positions with dots between them: "
            f"{positions!r}"
        )
    names = _names(path)
    if _ELEMENT in names and _ELEMENT not in path:
        array = ".".join(names[: names.index(_ELEMENT)])
        advice = f"read all of it: {array!r}, with type json" if array else "see source.columns"
        raise ValueError(f"{path!r} is an element of an array, which has no path; {advice}")
    raise _wrong(path, names)


def check_body_path(path: str) -> str:
    """*path*, of a value in a body; ``ValueError`` says how to write it."""
    _refuse_long(path)
    if re.fullmatch(PATH, path):
        return path
    raise _wrong(path, _names(path))


def check_records_path(path: str) -> str:
    """*path*, of arrays of records in a body; ``ValueError`` says how to write it."""
    _refuse_long(path)
    if re.fullmatch(RECORDS_PATH, path):
        return path
    names = _names(path)
    if path.endswith(("[*]", "[]", "[:]")):
        del names[-1:]  # the elements of the array are the records
    raise _wrong(path, names or ["$"], wildcard=True)


def check_added_path(path: str, *, records: str, shape: str) -> str:
    """*path*, of a value beside or above *records*; ``ValueError`` says how to write it."""
    _refuse_long(path)
    if not re.fullmatch(RECORDS_PATH, path) or path == "$":
        raise _wrong(path, _names(path), wildcard=True)
    names = path.split(".")
    depth = shared_depth(path, records, shape=shape)
    if {"*", _ELEMENT} & set(names[depth:]):
        raise ValueError(
            f"{path!r} is not on the way to the records at {records!r}; write that way as records "
            "does, then the name of one value"
        )
    if shape == "object" and names[:-1][: depth + 1] == records.split(".") and "*" not in names:
        raise ValueError(f"{path!r} is inside the record; read it with fields")
    return path


def shared_depth(path: str, records: str, *, shape: str) -> int:
    """How many names of *records* lead to the object that *path* is read from.

    An array of records, and one record, hold no value for records; a map and columns do.
    """
    at = [] if records == "$" else records.split(".")
    deepest = len(at) if shape == "columns" else len(at) - 1
    depth = 0
    for name, expected in zip(path.split(".")[:-1], at[: max(deepest, 0)], strict=False):
        if name != expected:
            break
        depth += 1
    return depth


def _refuse_long(path: str) -> None:
    if len(path) > _MAX_CHARACTERS:
        raise ValueError(
            f"a path of {len(path):,} characters; write one of {_MAX_CHARACTERS:,} at most"
        )


def _with_positions(path: str) -> str:
    """*path* as it is written here, if it has positions of JSONPath, JSON Pointer or jq."""
    plain = _NUMBER.sub(r".\1", path).lstrip("$@#").strip("/.").replace("/", ".")
    has_position = any(map(_POSITION.fullmatch, plain.split(".")[1:]))
    return plain if has_position and re.fullmatch(PATH, plain) else ""


def _names(path: str) -> list[str]:
    """The names that *path* means in the way of JSONPath, JSON Pointer or jq."""
    names = re.split(r"[./]", _INDEX.sub(f".{_ELEMENT}", _QUOTED.sub(r".\2", path)))
    names = [name.strip() for name in [names[0].lstrip("$@#"), *names[1:]]]
    if "/" in path:
        names = [_ELEMENT if _POSITION.fullmatch(name) else name for name in names]
    return [name for name in names if name]


def _wrong(path: str, names: list[str], *, wildcard: bool = False) -> ValueError:
    if "*" in names and not wildcard:
        return ValueError(f"{path!r}: `*` stands for no single name; write each name of the path")
    right = ".".join(names)
    is_path = re.fullmatch(RECORDS_PATH, right) and right != path
    example = f": {right!r}" if is_path else ", such as data.list"
    text = f"{path!r} is not a path; write names with dots between them{example}"
    if wildcard and "/" in path.lstrip("/#"):
        text += ", or `*` for a name that contains a slash"
    return ValueError(text)
