"""What pydantic says of one mistake in a feed file, put into the words of feed files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from include.ticklake.errors import did_you_mean
from include.ticklake.feed.model_options import (
    Place,
    Step,
    describe_places,
    kinds_at,
    options,
)
from include.ticklake.feed.renamed_keys import new_key, new_value
from include.ticklake.model.strict import StrictModel

_MAX_SHOWN = 60
"""Characters of a value that a message repeats."""

_TYPES = {
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "finite_number": "a number, and neither .inf nor .nan",
    "float_type": "a number, and neither .inf nor .nan",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_attributes_type": "a mapping",
    "model_type": "a mapping",
    "string_type": "text",
}
"""Types of values as a feed file writes them."""

_BOUNDS = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_BOOLS = {"true": "true", "yes": "true", "on": "true"} | {
    "false": "false",
    "no": "false",
    "off": "false",
}
_NAMES = "use lower-case letters, digits and underscores, a letter first"

PATTERNS = {
    r"^[A-Za-z0-9_]+$": "use letters, digits and underscores",
    r"^[\w.]+:\w+$": "write it as module:function",
    r"^[a-z][a-z0-9_]{0,62}$": _NAMES,
    r"^[a-z]([a-z0-9_]{0,61}[a-z0-9])?$": _NAMES,
}
"""What the patterns of the models ask for."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """What pydantic says of one mistake, and where it is in the file."""

    details: Mapping[str, Any]
    field: str
    place: Place
    model: type[StrictModel]

    @property
    def kind(self) -> str:
        return str(self.details["type"])

    @property
    def is_name(self) -> bool:
        """Whether it is the name that is wrong, not its value."""
        return self.details["loc"][-1:] == ("[key]",) or self.kind == "invalid_key"

    @property
    def is_type(self) -> bool:
        """Whether the value is of another type than any that is allowed."""
        return self.kind in _TYPES and not self.is_name

    @property
    def value(self) -> Any:  # noqa: ANN401 - whatever the file holds
        return self.details["input"]


def describe(mistake: Mistake) -> str:
    """The problem in plain words, and how to fix it."""
    if mistake.is_name:
        return _describe_name(mistake)
    if mistake.details["loc"] == ("name",):
        return (
            f"{mistake.value!r} is not a valid name; {_NAMES}, a letter or digit last, at most 63; "
            "the file is named after the feed"
        )
    if mistake.kind in _DESCRIPTIONS:
        return _DESCRIPTIONS[mistake.kind](mistake)
    if mistake.kind in _TYPES:
        return f"must be {_TYPES[mistake.kind]}{_type_advice(mistake)}"
    if mistake.kind in _BOUNDS:
        bound, words = _BOUNDS[mistake.kind]
        return f"must be {words} {mistake.details['ctx'][bound]:g}"
    return f"{show(mistake.value)} is not valid here; docs/how-to/add-a-source.md says what is"


def _describe_name(mistake: Mistake) -> str:
    if mistake.kind in ("invalid_key", "string_type"):
        return "the name must be text; quote it"
    if mistake.kind.startswith("int_"):
        return f"the name {show(mistake.value)} must be a whole number, without quotes"
    return f"{mistake.value!r} is not a valid name; {_NAMES}"


def _type_advice(mistake: Mistake) -> str:
    """What to write instead of a value of the wrong type, where that can be known."""
    value, kind = mistake.value, mistake.kind
    if kind == "string_type":
        if isinstance(value, dict) and len(value) == 1 and list(value.values()) == [None]:
            return f"; quote it: '{{{next(iter(value))}}}'"
        return "; quote it" if isinstance(value, bool | int | float) else ""
    if kind in ("int_type", "float_type") and isinstance(value, str):
        try:
            number = float(value) if kind == "float_type" else int(value)
        except ValueError:
            return ""
        is_plain = kind == "int_type" or 1e-6 < abs(number) < 1e15
        return f"; write it as {number:.15g}" if is_plain else "; write all of its digits"
    if kind == "bool_type" and isinstance(value, str):
        return f"; write {_BOOLS[value.lower()]}" if value.lower() in _BOOLS else ""
    if kind in ("model_type", "model_attributes_type", "dict_type") and value is None:
        return "; it is empty: remove it, or write its options"
    return ""


def _unknown_key(mistake: Mistake) -> str:
    key, owner = str(mistake.details["loc"][-1]), mistake.place.model
    if new := new_key(mistake.field):
        return f"was renamed; write {new!r}"
    known = [name for name, _ in options(owner)] if owner else []
    if owner is mistake.model:
        known.remove("name")  # the file's, which is no option
    if hint := did_you_mean(key, known, least_similarity=0.75):
        return f"unknown key{hint}"
    if places := describe_places(mistake.model, key):
        return f"unknown key here; {key!r} belongs {places}"
    listed = f"; known: {', '.join(known)}"
    return f"unknown key{did_you_mean(key, known) or listed}"


def _missing(mistake: Mistake) -> str:
    if mistake.kind == "union_tag_not_found":
        close = did_you_mean("kind", map(str, mistake.value)).replace("did you mean", "is it")
        return f"missing; write one of {', '.join(_choices(mistake))}{close}"
    owner = mistake.place.model
    declared = dict(options(owner)) if owner else {}
    info = declared.get(str(mistake.details["loc"][-1]))
    return f"missing; {info.description}" if info and info.description else "missing"


def _wrong_choice(mistake: Mistake) -> str:
    value = mistake.value
    if mistake.kind == "union_tag_invalid":
        value = value.get("kind") if isinstance(value, dict) else value
    if new := new_value(mistake.field, str(value)):
        return f"{value!r} was renamed; write {new!r}"
    choices = _choices(mistake)
    hint = did_you_mean(str(value), choices)
    return f"{show(value)} is not one of {', '.join(choices)}{hint}"


def _choices(mistake: Mistake) -> list[str]:
    context = mistake.details.get("ctx", {})
    if mistake.kind == "union_tag_not_found":
        return kinds_at(mistake.model, mistake.details["loc"])
    return re.findall(r"'([^']+)'", context.get("expected") or context.get("expected_tags") or "")


def _wrong_pattern(mistake: Mistake) -> str:
    pattern = mistake.details["ctx"]["pattern"]
    return f"{show(mistake.value)} is not valid; {PATTERNS.get(pattern, f'write it as {pattern}')}"


def show(value: object) -> str:
    """*value* as a message repeats it: as YAML has it, in one line, and not all of a long one."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return shorten(repr(value), _MAX_SHOWN)


def show_name(name: Step) -> str:
    return text if (text := str(name)).isprintable() else repr(text)


def shorten(text: str, most_characters: int) -> str:
    """*text* in one line, whatever it repeats of the file, and not all of a long one."""
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return line if len(line) <= most_characters else f"{line[:most_characters]}..."


_DESCRIPTIONS: dict[str, Callable[[Mistake], str]] = {
    "extra_forbidden": _unknown_key,
    "literal_error": _wrong_choice,
    "missing": _missing,
    "string_pattern_mismatch": _wrong_pattern,
    "string_too_short": lambda _: "must not be empty",
    "too_short": lambda _: "must not be empty",
    "string_too_long": lambda mistake: (
        f"is longer than {mistake.details['ctx']['max_length']} characters; shorten it"
    ),
    "too_long": lambda mistake: (
        f"holds more than {mistake.details['ctx']['max_length']:,}; remove some, or split the feed"
    ),
    "union_tag_invalid": _wrong_choice,
    "union_tag_not_found": _missing,
    "value_error": lambda mistake: str(mistake.details["ctx"]["error"]),
}
