"""Whether a pod's body is what the client library's own models describe."""

from __future__ import annotations

import json
import re
from typing import Any

from kubernetes.client import ApiClient

_UNITS = {"": 1, "Ki": 1024, "Mi": 1024**2, "Gi": 1024**3}


class RefusedByClusterError(Exception):
    """The API's answer to a request it does not take."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def check(body: dict[str, Any], model: type) -> Any:
    """*body* as the client library's *model*, refused where the two do not agree."""

    class Response:
        data = json.dumps(body)

    client = ApiClient()
    try:
        found = client.deserialize(Response, model)
    except ValueError as wrong:
        raise RefusedByClusterError(422, f"{model.__name__}: {wrong}") from None
    # The models drop what they do not know, so it is missing when they are written again.
    if unknown := _missing(body, client.sanitize_for_serialization(found)):
        raise RefusedByClusterError(422, f"{model.__name__}: unknown field {unknown}")
    return found


def quantity(text: str) -> int:
    """A quantity of Kubernetes (``134217728``, ``128Mi``) in bytes."""
    number, unit = re.fullmatch(r"(\d+)(\D*)", text).groups()
    return int(number) * _UNITS[unit]


def _missing(sent: Any, known: Any, path: str = "") -> str | None:
    """The first field of *sent* that *known* does not have; empty ones are left out of both."""
    if isinstance(sent, dict) and isinstance(known, dict):
        for name, value in sent.items():
            if name not in known and value not in (None, {}, []):
                return f"{path}.{name}"
            if name in known and (found := _missing(value, known[name], f"{path}.{name}")):
                return found
    if isinstance(sent, list) and isinstance(known, list):
        for at, (one, other) in enumerate(zip(sent, known, strict=True)):
            if found := _missing(one, other, f"{path}[{at}]"):
                return found
    return None
