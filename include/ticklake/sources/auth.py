"""A connection id in, a login out; a request and a login in, the request's secrets out."""

from __future__ import annotations

import base64
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from include.ticklake.errors import UsageError
from include.ticklake.feed.http_source import Auth


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who we are to a source; never shown."""

    user: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSecrets:
    """What a login adds to a request, at the moment of sending; never shown."""

    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


GetCredentials = Callable[[str], Credentials]
Signer = Callable[[Credentials, str, Mapping[str, str]], RequestSecrets]
"""(login, path, params) -> what to add: the plug-in of ``auth: {kind: sign}``."""


def from_env(connection: str, env: Mapping[str, str]) -> Credentials:
    """The login in ``AIRFLOW_CONN_<ID>``, JSON or a URI, as Airflow itself reads it."""
    variable = f"AIRFLOW_CONN_{connection.upper()}"
    text = env.get(variable, "")
    if not text:
        raise UsageError(f"connection {connection!r} is not there; set {variable}")
    try:
        if text.lstrip().startswith("{"):
            values = json.loads(text)
            user, secret = (str(values.get(name) or "") for name in ("login", "password"))
            return Credentials(user=user, secret=secret)
        parts = urlsplit(text)
        return Credentials(user=unquote(parts.username or ""), secret=unquote(parts.password or ""))
    except ValueError:
        raise UsageError(f"{variable} is neither JSON nor a URI") from None


def sign_request(
    auth: Auth, login: Credentials, *, path: str, params: Mapping[str, str]
) -> RequestSecrets:
    """What *auth* adds to a request for *path* with *params*."""
    if auth.kind == "header":
        return RequestSecrets(headers={auth.name or "": login.secret})
    if auth.kind == "query":
        return RequestSecrets(params={auth.name or "": login.secret})
    if auth.kind == "bearer":
        return RequestSecrets(headers={"Authorization": f"Bearer {login.secret}"})
    if auth.kind == "basic":
        pair = base64.b64encode(f"{login.user}:{login.secret}".encode()).decode()
        return RequestSecrets(headers={"Authorization": f"Basic {pair}"})
    return _signer(auth.signer or "")(login, path, params)


def _signer(name: str) -> Signer:
    module, _, function = name.partition(":")
    try:
        signer: Signer = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError):
        raise UsageError(
            f"source.auth.signer {name!r} cannot be imported; it is module:function"
        ) from None
    return signer
