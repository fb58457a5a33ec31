"""How the body of a response reports a failure: the codes of a feed, and what they match.

A code may have any form: a text, a number, ``true``, an object, a list. Codes in a feed are
compared as texts, so ``ok: [0]`` means ``0``, ``0.0`` and ``"0"``, and ``ok: [true]`` means
``true``. Of an object or a list, what is inside is compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from include.ticklake.model.durations import Duration
from include.ticklake.model.strict import StrictModel

_WORDS = {None: "null", True: "true", False: "false"}
_MAX_DIGITS = 40
_MAX_DEPTH = 64


def code_text(code: object) -> str:
    """The text of a code that is neither an object nor a list, such as ``null``, ``0``, ``1.5``."""
    if code is None or isinstance(code, bool):
        return _WORDS[code]
    if isinstance(code, float):
        code = Decimal(repr(code))
    if isinstance(code, Decimal) and code.is_finite() and abs(code.adjusted()) < _MAX_DIGITS:
        text = f"{code:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(code)


def _as_text(code: object) -> object:
    return code_text(code) if code is None or isinstance(code, bool | int | float) else code


Code = Annotated[
    str,
    BeforeValidator(_as_text),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]


class ErrorRules(StrictModel):
    """How a response body reports a failure, with HTTP 200 too; codes may hold ``*``."""

    code: str = Field(
        description="Path of the error code in the body: retCode, error.code, error.item; what "
        "is there may also be an object or a list."
    )
    ok: list[Code] = Field(
        default_factory=list,
        description='Codes of success: [0], [true], ["00000"]. A body without a code, or with '
        "null, is a success too; without `ok`, so is false, an empty text, list or object.",
    )
    message: str | None = Field(None, description="Path of the error message.")
    rate_limited: dict[Code, Duration] = Field(
        default_factory=dict,
        description="Codes for too many requests, and how long to wait: {10006: 5s}.",
    )
    retry: list[Code] = Field(
        default_factory=list,
        description="Error codes to retry; any other code fails the task.",
    )

    def is_ok(self, code: object) -> bool:
        """Whether *code*, the value at the path, means success."""
        if code is None:
            return True
        if not self.ok:
            return code is False or code in ("", [], {})
        texts = list(_texts(code))
        return bool(texts) and all(_matches_any(text, self.ok) for text in texts)

    def wait(self, code: object) -> timedelta | None:
        """How long to wait after a rate-limit *code*; None for any other code."""
        texts = list(_texts(code))
        for pattern, wait in self.rate_limited.items():
            if any(_matches_any(text, [pattern]) for text in texts):
                return wait
        return None

    def is_retryable(self, code: object) -> bool:
        """Whether *code* is a failure that a retry may fix."""
        return any(_matches_any(text, self.retry) for text in _texts(code))


def _texts(code: object, depth: int = 0) -> Iterator[str]:
    """The texts of *code*, or of all that is inside it."""
    if isinstance(code, Mapping | list):
        for inside in code.values() if isinstance(code, Mapping) else code:
            if inside is not None and depth < _MAX_DEPTH:
                yield from _texts(inside, depth + 1)
    else:
        yield code_text(code)


def _matches_any(text: str, patterns: Iterable[str]) -> bool:
    return any(text == pattern or fnmatchcase(text, pattern) for pattern in patterns)
