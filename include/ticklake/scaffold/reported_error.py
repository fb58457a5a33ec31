"""The error that a body reports instead of records, in whatever form APIs write it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from include.ticklake.scaffold.json_shape import JsonNode
from include.ticklake.scaffold.name_words import words
from include.ticklake.scaffold.record_names import MESSAGE

_ERROR = {
    "error", "errors", "err", "errno", "errmsg", "errcode", "errorcode", "errormsg", "errormessage",
    "exception", "fault",
}  # fmt: skip
_CODE = {"code", "retcode", "errcode", "errorcode", "errno", "label", "status", "type"}
_BESIDE_MESSAGE = {"id", "time", "timestamp", "path", "instance", "request", "trace"}
_FLAG = {
    "success", "issuccess", "ok", "isok", "status", "s", "result", "response", "state",
    "succeeded", "ret", "message", "msg",
}  # fmt: skip
_FAILED = {"false", "error", "err", "fail", "failed", "failure", "nok", "notok", "ko"}
_NOTHING = {"", "0", "00000", "false", "none", "null", "ok", "success", "200", "200000",
            "no error", "true"}  # fmt: skip

SUCCESS_CODES = frozenset({"0", "00000", "200", "200000", "ok", "success"})


def reported_error(root: JsonNode) -> str | None:
    """The API's own words for its error; None where the body reports none.

    Only for a body without records: an error beside them is not the answer.
    """
    if root.kind == "array":
        is_error = root.values and str(root.values[0]).lower() in _ERROR
        return _joined(root.values[1:]) if is_error else None
    for holder in [root, *root.of_kind("object")]:
        for node in holder.children.values():
            if _is_error(node):
                # A code alone says little: its message stands beside it.
                said = _said(holder.of_kind("value")) if node.kind == "value" else _message(node)
                return said or _message(root) or _joined(_values(root)) or "without a message"
    if _has_failed_code(root) or _is_only_a_message(root):
        return _message(root)
    return None


def is_error_name(name: str) -> bool:
    """Whether *name* is that of an error: ``error``, ``errors``, ``errorMessage``, ``err-code``."""
    return bool(_ERROR.intersection(words(name)))


def _is_error(node: JsonNode) -> bool:
    if node.kind == "object":
        return bool(node.path) and is_error_name(node.name) and node.size > 0
    if node.kind == "array":
        return is_error_name(node.name) and node.size > 0
    value = str(node.value).lower()
    if is_error_name(node.name):
        return value not in _NOTHING or node.value is True
    return "".join(words(node.name)) in _FLAG and value in _FAILED


def _has_failed_code(root: JsonNode) -> bool:
    for node in root.of_kind("value"):
        if words(node.name)[-1:] == ["code"] or "".join(words(node.name)) == "retcode":
            has_message = bool(_joined(_texts(root.walk(), MESSAGE)))
            return str(node.value).lower() not in _NOTHING and has_message
    return False


def _is_only_a_message(root: JsonNode) -> bool:
    """``{"message": "NotFound"}`` or ``{"label": ..., "message": ...}``, and nothing else."""
    if not 0 < root.size <= 6 or len(root.of_kind("value")) < root.size:
        return False
    named = [set(words(name)) for name in root.children]
    return any(MESSAGE & name for name in named) and all(
        name & (MESSAGE | _CODE | _BESIDE_MESSAGE) for name in named
    )


def _message(node: JsonNode) -> str:
    """The code and the message below *node*, or its own value."""
    if node.kind == "value":
        return "" if str(node.value).lower() in _NOTHING | _FAILED else str(node.value)
    if node.kind == "array":
        return _joined([*node.values, *node.messages])
    return _said(node.walk())


def _said(nodes: Iterable[JsonNode]) -> str:
    """The code and the message among *nodes*."""
    found = [*nodes]
    return _joined(_texts(found, _CODE | _ERROR), _texts(found, MESSAGE))


def _texts(nodes: Iterable[JsonNode], names: set[str]) -> Iterator[object]:
    for child in nodes:
        found = set(words(child.name))
        if child.kind == "value" and (found & names or "".join(words(child.name)) in names):
            yield child.value
        elif child.kind == "array" and found & names:
            yield from [*child.values, *child.messages]


def _values(root: JsonNode) -> list[object]:
    """The texts of *root*, whatever they are called."""
    return [child.value for child in root.of_kind("value") if isinstance(child.value, str)]


def _joined(*groups: object) -> str:
    texts: list[str] = []
    for group in groups:
        for value in group if isinstance(group, list | Iterator) else [group]:
            text = str(value)
            if text.lower() not in _NOTHING | _FAILED and text not in texts:
                texts.append(text)
    return ": ".join(texts[:3])
