"""Credentials of a connection, and what they add to a request."""

from __future__ import annotations

import base64
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from include.ticklake.errors import UsageError
from include.ticklake.feed.auth import Auth, fill_credentials
from include.ticklake.redaction.addresses import is_secret
from include.ticklake.sources.connection import connection_text, parse_connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """User and secret of a source; never shown."""

    user: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The plain values of the connection's extra, such as a passphrase."""

    @property
    def secrets(self) -> list[str]:
        """What of it must be shown nowhere; where there is no secret, the user is one."""
        named = [value for name, value in self.options.items() if is_secret(name)]
        return [self.secret or self.user, *named]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSecrets:
    """What credentials add to a request when it is sent; never shown."""

    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By the paths in a JSON body, or the names in a form."""


GetCredentials = Callable[[str], Credentials]
"""Connection id -> credentials."""

Signer = Callable[..., RequestSecrets]
"""(credentials, path, params) -> what to add: the function that ``auth.signer`` names. That of a
POST takes the body as well, bytes as they are sent: (credentials, path, params, body)."""


def credentials_from_env(connection: str, env: Mapping[str, str]) -> Credentials:
    """The login and password in ``AIRFLOW_CONN_<ID>``, JSON or a URI."""
    variable, text = connection_text(connection, env)
    try:
        parsed = parse_connection(text)
    except ValueError:
        raise UsageError(f"{variable} is neither JSON nor a URI") from None
    return Credentials(user=parsed.login, secret=parsed.password, options=parsed.options)


def sign_request(
    auth: Auth,
    credentials: Credentials,
    *,
    path: str,
    params: Mapping[str, str | list[str]],
    body: bytes | None = None,
) -> RequestSecrets:
    """What *auth* adds to a request for *path* with *params*, and with *body* where it has one."""
    if auth.headers:
        return RequestSecrets(headers=_headers(auth, credentials))
    if auth.kind == "header":
        return RequestSecrets(headers={auth.name or "": credentials.secret})
    if auth.kind == "query":
        return RequestSecrets(params={auth.name or "": credentials.secret})
    if auth.kind == "body":
        return RequestSecrets(body={auth.name or "": credentials.secret})
    if auth.kind == "bearer":
        return RequestSecrets(headers={"Authorization": f"Bearer {credentials.secret}"})
    if auth.kind == "basic":
        pair = base64.b64encode(f"{credentials.user}:{credentials.secret}".encode()).decode()
        return RequestSecrets(headers={"Authorization": f"Basic {pair}"})
    signed = (path, params) if body is None else (path, params, body)
    return _signer(auth.signer or "")(credentials, *signed)


def _headers(auth: Auth, credentials: Credentials) -> dict[str, str]:
    own = {"login": credentials.user, "password": credentials.secret}
    values = {**credentials.options, **own}
    try:
        return {name: fill_credentials(text, values) for name, text in (auth.headers or {}).items()}
    except KeyError as missing:
        raise UsageError(
            f"source.auth.headers: connection {auth.connection!r} has no {missing.args[0]!r} in "
            "its extra; add it there, or correct the name"
        ) from None


def _signer(name: str) -> Signer:
    module, _, function = name.partition(":")
    try:
        signer: Signer = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError):
        raise UsageError(
            f"source.auth.signer: {name!r} cannot be imported; write it as module:function"
        ) from None
    return signer
