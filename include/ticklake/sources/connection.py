"""Airflow connections without Airflow: the environment variable ``AIRFLOW_CONN_<ID>``.

The text is JSON or a URI, as Airflow itself reads it. It is never in a feed, an argument,
a log or an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from include.ticklake.errors import UsageError
from include.ticklake.redaction.addresses import is_secret
from include.ticklake.redaction.masking import remember

_LOGIN = re.compile(r"//[^:@/\s]*:(\S+)@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A parsed connection; only its type is ever shown."""

    conn_type: str = ""
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    host: str = field(default="", repr=False)
    port: int | None = field(default=None, repr=False)
    schema: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The plain values of ``extra``, and of a URI's query."""


def connection_text(conn_id: str, env: Mapping[str, str]) -> tuple[str, str]:
    """The name of the variable of *conn_id* and its text; ``UsageError`` where it is not set."""
    variable = f"AIRFLOW_CONN_{conn_id.upper()}"
    text = env.get(variable, "").strip()
    remember_connection(text)
    if not text:
        raise UsageError(f"connection {conn_id!r} is not defined; set {variable}")
    return variable, text


def remember_connection(text: str) -> None:
    """Have the secrets of a connection's *text* masked from now on, even if it cannot be read."""
    if "{" not in text and "://" not in text:
        remember(text)  # a password where a connection should be
    if login := _LOGIN.search(text):  # also where its @ and / are not escaped
        remember(login[1], unquote(login[1]))
    with suppress(ValueError):
        connection = parse_connection(text)
        options = [value for name, value in connection.options.items() if is_secret(name)]
        remember(connection.password, *options)


def parse_connection(text: str) -> Connection:
    """The connection in *text*; raises ``ValueError`` for what is neither JSON nor a URI."""
    try:
        return _from_json(json.loads(text)) if text.startswith("{") else _from_uri(urlsplit(text))
    except (TypeError, AttributeError) as error:
        raise ValueError(type(error).__name__) from None


def _from_json(values: Mapping[str, object]) -> Connection:
    port = values.get("port")
    return Connection(
        conn_type=_text(values, "conn_type"),
        login=_text(values, "login"),
        password=_text(values, "password"),
        host=_text(values, "host"),
        port=int(str(port)) if port else None,
        schema=_text(values, "schema"),
        options=_options(values.get("extra")),
    )


def _from_uri(parts: SplitResult) -> Connection:
    query = dict(parse_qsl(parts.query))
    extra = query.pop("__extra__", None)
    # In its own case, which hostname loses: SQLite has a path there, PostgreSQL may have one.
    location, hostname = parts.netloc.rpartition("@")[2], parts.hostname or ""
    start = location.lower().find(hostname.lower())
    return Connection(
        conn_type=parts.scheme,
        login=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        host=unquote(location[start : start + len(hostname)]),
        port=parts.port,
        schema=unquote(parts.path.removeprefix("/")),
        options=_options(extra) | query,
    )


def _text(values: Mapping[str, object], name: str) -> str:
    return str(values.get(name) or "")


def _options(extra: object) -> dict[str, str]:
    values: Any = json.loads(extra) if isinstance(extra, str) and extra else extra or {}
    return {name: str(value) for name, value in values.items() if isinstance(value, str | int)}
