"""Infer how a source says that a request succeeded, so that a failure is not an empty page."""

from __future__ import annotations

import re

from include.ticklake.scaffold.json_shape import JsonNode
from include.ticklake.scaffold.reported_error import SUCCESS_CODES, is_error_name

_CODE = re.compile(
    r"code|ret_?code|rc|err_?(no|code)|error_?code|status|stat|s|(result|return)_?code|response|"
    r"success|succeeded|ok",
    re.IGNORECASE,
)
_MESSAGE = re.compile(
    r"msg|message|ret_?msg|err[-_]?msg|error_?message|detail|reason", re.IGNORECASE
)


def infer_errors(root: JsonNode) -> dict[str, object]:
    """The ``errors`` of a feed; empty where the page says nothing of success."""
    members = [node for node in root.children.values() if node.is_reachable]
    for node in members:
        is_success = node.value is True or str(node.value).lower() in SUCCESS_CODES
        if node.kind == "value" and is_success and _CODE.fullmatch(node.name):
            rules: dict[str, object] = {"code": node.name, "ok": [node.value]}
            message = next((name for name in root.children if _MESSAGE.fullmatch(name)), None)
            return rules | ({"message": message} if message and message != node.name else {})
    empty = (node for node in members if is_error_name(node.name) and _is_nothing(node))
    return next(({"code": node.name} for node in empty), {})


def _is_nothing(node: JsonNode) -> bool:
    """Whether the error is null, false, or an empty text, list or object: there was none."""
    return node.value in (None, False, "") if node.kind == "value" else not node.size
