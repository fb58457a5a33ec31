"""A token server for OAuth 2 client credentials, and an API behind it: oauthlib's provider side."""

# ruff: noqa: ARG002 - oauthlib calls with all arguments, whatever is made of them
from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

from oauthlib.oauth2 import BackendApplicationServer, RequestValidator

from include.ticklake.sources.http import access_token
from tests.support.servers.http import Answer, HttpServer, ReceivedRequest, Reply

CLIENT, SECRET = "client-7", "cl13nt/S3cret+77="


class _Validator(RequestValidator):
    """Knows one client, and the tokens that it was given."""

    def __init__(self, lifetime_s: int | None) -> None:
        self.tokens: list[str] = []
        self.revoked: set[str] = set()
        self.lifetime_s = lifetime_s

    def client_authentication_required(self, request: Any, *_: Any, **__: Any) -> bool:
        return True

    def authenticate_client(self, request: Any, *_: Any, **__: Any) -> bool:
        scheme, _, pair = request.headers.get("authorization", "").partition(" ")
        user, secret = request.client_id, getattr(request, "client_secret", None)
        if scheme == "Basic":
            user, _, secret = base64.b64decode(pair).decode().partition(":")
        request.client = type("Client", (), {"client_id": user})
        return (user, secret) == (CLIENT, SECRET)

    def validate_grant_type(self, client_id: str, grant_type: str, *_: Any, **__: Any) -> bool:
        return grant_type == "client_credentials"

    def get_default_scopes(self, client_id: str, request: Any, *_: Any, **__: Any) -> list[str]:
        return ["read"]

    def validate_scopes(self, client_id: str, scopes: list[str], *_: Any, **__: Any) -> bool:
        return set(scopes) <= {"read", "trades"}

    def save_bearer_token(self, token: dict[str, Any], request: Any, *_: Any, **__: Any) -> None:
        if self.lifetime_s is None:
            del token["expires_in"]
        self.tokens.append(token["access_token"])

    def validate_bearer_token(self, token: str, scopes: list[str], request: Any) -> bool:
        return token in self.tokens and token not in self.revoked


class TokenServer:
    """Gives tokens on ``/oauth/token`` of *server*; ``guard`` lets nobody in without one."""

    def __init__(self, server: HttpServer, *, lifetime_s: int | None = 3600) -> None:
        access_token.forget_all()
        self.server = server
        self.validator = _Validator(lifetime_s)
        self._oauth = BackendApplicationServer(
            self.validator, token_expires_in=lifetime_s, token_generator=self._next
        )
        server.answer_by("/oauth/token", self._give)

    @property
    def tokens(self) -> list[str]:
        """All tokens so far."""
        return self.validator.tokens

    def revoke(self) -> None:
        """Take no token any more of those that were given."""
        self.validator.revoked.update(self.tokens)

    def guard(self, path: str, answer: Answer) -> None:
        """Let *answer* see the requests for *path* that have a valid token; others are a 401."""

        def guarded(asked: ReceivedRequest) -> Reply:
            valid, _ = self._oauth.verify_request(
                f"https://api.example{path}", headers=_headers(asked), scopes=["read"]
            )
            return answer(asked) if valid else Reply(status=401, body=b'{"error":"invalid_token"}')

        self.server.answer_by(path, guarded)

    def requests(self) -> list[ReceivedRequest]:
        """The requests for a token."""
        return [asked for asked in self.server.asked if asked.path == "/oauth/token"]

    def _give(self, asked: ReceivedRequest) -> Reply:
        headers, body, status = self._oauth.create_token_response(
            "https://auth.example/oauth/token",
            http_method=asked.method,
            body=asked.body.decode(),
            headers=asked.headers,
        )
        return Reply(status=status, body=body.encode(), headers=dict(headers))

    def _next(self, request: Any, refresh_token: bool = False) -> str:
        return f"t0ken-{len(self.tokens)}/of+the=Client{len(self.tokens):04}"


def _headers(asked: ReceivedRequest) -> dict[str, str]:
    return {name.title(): value for name, value in asked.headers.items()}


def form(**values: str) -> bytes:
    """A form as it is sent."""
    return urlencode(values).encode()


def as_json(value: object) -> bytes:
    """A body of JSON."""
    return json.dumps(value).encode()
