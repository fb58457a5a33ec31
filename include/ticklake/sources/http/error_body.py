"""What the body of a response says about a failure, with HTTP 200 as with any other status.

Bodies are never shown: of an error's body only the code and the short message that APIs return
in fields of their own, on one short line and without secrets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from include.ticklake.errors import RateLimitedError, SourceRefusedError, SourceUnavailableError
from include.ticklake.feed.error_rules import ErrorRules, code_text
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.model import nesting
from include.ticklake.sources.http.request import HttpRequest

# Names of captured values; the blank keeps feeds from using them.
_CODE, _MESSAGE, _ABOVE, _UNDECLARED = " code", " message", " above ", " undeclared "

_MESSAGE_NAMES = ("msg", "message", "error_message", "errorMessage", "err_msg", "error_msg",
                  "error", "errors", "detail", "details", "retMsg", "reason", "description",
                  "title")  # fmt: skip
_MESSAGES_INSIDE = ("status", "meta", "result")
"""Objects whose messages count too: CoinGecko's ``status.error_message``."""

_SUCCESS_WORDS = frozenset({"ok", "success", "successful", "succeeded", "done", "true", "0", "200"})

# What says that a request failed, or did not, where a feed declares no ``errors``.
_ERROR_NAMES = ("error", "errors")
_FLAG_NAMES = ("success", "ok")
_STATUS_NAME = "status"
_CODE_NAMES = ("code", "retCode", "ret_code", "errorCode", "error_code", "errcode", "err_code",
               "errno")  # fmt: skip
_FAILED = frozenset({"error", "fail", "failed", "failure"})

_NO_RULES = ErrorRules(code="error")
_MAX_ITEMS = 10
_MAX_DEPTH = 5


def captures(source: HttpSource) -> dict[str, str]:
    """Name -> path of the values captured outside the records: for paging, and for errors."""
    rules = source.errors
    if rules is None:
        return dict(source.capture) | {_UNDECLARED + name: name for name in _ERROR_NAMES}
    paths = dict(source.capture) | ({} if _is_in_arrays(rules) else {_CODE: rules.code})
    return paths | ({_MESSAGE: rules.message} if rules.message else {})


def captures_of_every(source: HttpSource) -> dict[str, str]:
    """Name -> path of the values of which each one counts: codes in an array, ``error.item``."""
    return {_CODE: source.errors.code} if source.errors and _is_in_arrays(source.errors) else {}


def _is_in_arrays(rules: ErrorRules) -> bool:
    return "item" in rules.code.split(".")


def plain_captures(source: HttpSource) -> dict[str, str]:
    """Name -> path of the values that count only where they are neither objects nor arrays.

    ``{"error": "too many requests"}`` has a code, where ``error.code`` is where the feed has it.
    """
    if source.errors is None:
        return {_UNDECLARED + name: name for name in (*_FLAG_NAMES, _STATUS_NAME)}
    names = source.errors.code.split(".")
    return {_ABOVE + str(depth): ".".join(names[:depth]) for depth in range(1, len(names))}


def raise_if_failed(
    rules: ErrorRules | None, captured: Mapping[str, object], *, request: HttpRequest
) -> None:
    """Raise the error that the body of a success reports, if it does.

    *rules* are the feed's; without any, what every API means by its name counts: an ``error``
    that is not empty, a ``success`` that is false, a ``status`` of "error".
    """
    if rules is None:
        for name, value in captured.items():
            if name.startswith(_UNDECLARED) and _is_failure(name.removeprefix(_UNDECLARED), value):
                shown = f"{name.removeprefix(_UNDECLARED)}: {reason_of(value)}"
                raise _undeclared(shown, request)
        return
    code = captured.get(_CODE)
    above = [value for name, value in captured.items() if name.startswith(_ABOVE)]
    if code is None:
        code = next((value for value in above if not _NO_RULES.is_ok(value)), None)
    elif _is_in_arrays(rules) and isinstance(code, list):
        code = [each for each in code if not rules.is_ok(each)] or None
    if code is not None and (_is_in_arrays(rules) or not rules.is_ok(code)):
        raise_failure(rules, code, reason_of(captured.get(_MESSAGE)), request=request)


def has_code(rules: ErrorRules | None, captured: Mapping[str, object]) -> bool:
    """Whether the body has a code where the feed's *rules* say, be it null."""
    return rules is not None and _CODE in captured


def raise_if_explained(body: object, *, request: HttpRequest) -> None:
    """Raise an error if a *body* without an array of records holds a message.

    For bodies without a code: nobody can say whether ``{"msg": "x", "data": null}`` has no
    records, or reports a failure.
    """
    if reason := _failure_reason(body):
        raise _undeclared(reason, request)


def raise_if_coded(body: object, *, request: HttpRequest) -> None:
    """Raise an error if a *body* without any record has a code and a message, as failures have.

    For feeds without ``errors``: ``{"code": "51001", "msg": "no such instrument", "data": []}``.
    Neither alone says that the empty array is not the answer.
    """
    codes = [body[name] for name in _CODE_NAMES if name in body] if isinstance(body, dict) else []
    texts = [code_text(code) for code in codes if isinstance(code, str | int | float)]
    is_failure = any(text.strip("0") and text.lower() not in _SUCCESS_WORDS for text in texts)
    if is_failure and (reason := _failure_reason(body)):
        raise _undeclared(f"{texts[0]}: {reason}", request)


def _failure_reason(body: object) -> str:
    """The message in *body*, unless it only says that all is well."""
    reason = reason_in(body, None)
    return "" if reason.lower().strip(" .!") in _SUCCESS_WORDS else reason


def raise_reason(
    rules: ErrorRules | None, body: object, *, request: HttpRequest, problem: str
) -> None:
    """Raise an error with the reason that *body* gives for a page without records, if it does.

    *problem* is what is wrong with the page.
    """
    code = code_in(body, rules)
    if rules is not None and isinstance(body, list | str):
        raise_failure(rules, code, reason_of(body), request=request)
    if reason := request.sanitize(reason_in(body, rules)):
        problem = request.mask_secrets(problem)
        raise SourceRefusedError(f"{request}: the body reports {reason!r}; {problem}")


def _is_failure(name: str, value: object) -> bool:
    if name in _ERROR_NAMES:
        return not _NO_RULES.is_ok(value) and value not in (0, "0")
    if name in _FLAG_NAMES:
        return value is False
    return isinstance(value, str) and value.lower() in _FAILED


def _undeclared(shown: str, request: HttpRequest) -> SourceRefusedError:
    return SourceRefusedError(
        f"{request}: the body reports {request.sanitize(shown)!r}; check the feed's parameters "
        "and slices, or say in source.errors which codes mean success"
    )


def raise_failure(rules: ErrorRules, code: object, reason: str, *, request: HttpRequest) -> None:
    """Raise the error that *code* means; *reason* is the message beside it."""
    shown = request.sanitize(reason_of(code) or json.dumps(code, default=str))
    reason = request.sanitize(reason)
    message = f"{request}: the body reports {shown!r}"
    message += f" ({reason})" if reason and reason != shown else ""
    if (wait := rules.wait(code)) is not None:
        raise RateLimitedError(message, retry_after_s=wait.total_seconds())
    if rules.is_retryable(code):
        raise SourceUnavailableError(message)
    raise SourceRefusedError(
        f"{message}; check the feed's parameters and slices, or add the code to source.errors.ok "
        "if it means success"
    )


def decoded(body: bytes) -> object:
    """The value of a small *body*; None where it is not JSON, or nested too deep."""
    try:
        return None if nesting.is_too_deep(body) else json.loads(body)
    except (ValueError, RecursionError):
        return None


def code_in(body: object, rules: ErrorRules | None) -> object:
    """The code in an error's *body*: at the feed's path, or all of a list or text."""
    if rules is None:
        return None
    return body if isinstance(body, list | str) else value_at(body, rules.code)


def reason_in(body: object, rules: ErrorRules | None) -> str:
    """The message in an error's *body*: at the feed's path, or where APIs have it; or nothing."""
    for path in (rules.message, rules.code) if rules else ():
        value = value_at(body, path) if path else None
        if isinstance(value, str | list | dict) and (reason := reason_of(value)):
            return reason
    return reason_of(body, names_only=True)


def reason_of(value: object, *, names_only: bool = False, depth: int = 0) -> str:
    """The message that *value* holds: itself, one in a field of its own, or its few parts.

    With *names_only*, nothing of an object that has no field for a message.
    """
    if depth > _MAX_DEPTH or value is None:
        return ""
    if isinstance(value, list):
        items = value[:_MAX_ITEMS]
        texts = [reason_of(item, names_only=names_only, depth=depth + 1) for item in items]
        return ", ".join(filter(None, texts))
    if not isinstance(value, dict):
        return code_text(value).strip()
    for name in _MESSAGE_NAMES:
        if isinstance(value.get(name), str | list | dict) and (
            reason := reason_of(value[name], depth=depth + 1)
        ):
            return reason
    for name in _MESSAGES_INSIDE:
        if isinstance(value.get(name), dict) and (
            reason := reason_of(value[name], names_only=True, depth=depth + 1)
        ):
            return reason
    if names_only:
        return ""
    parts = [
        f"{name}: {reason}"
        for name, part in list(value.items())[:_MAX_ITEMS]
        if (reason := reason_of(part, depth=depth + 1))
    ]
    return ", ".join(parts)


def value_at(body: object, path: str) -> object:
    """The value at *path*, where ``item`` is every value of an array; None without one."""
    name, _, remaining = path.partition(".")
    if isinstance(body, list) and name == "item":
        values = [value_at(item, remaining) if remaining else item for item in body]
        return [value for value in values if value is not None] or None
    value = body.get(name) if isinstance(body, dict) else None
    return value_at(value, remaining) if remaining else value
