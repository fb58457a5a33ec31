"""Tokens of OAuth 2 client credentials: fetched, kept while they are valid, and fetched again.

oauthlib writes the request and reads the answer; what is sent goes through the same limits,
deadlines and masking as every other request. A token is kept for all units of this process.
"""

from __future__ import annotations

import base64
import math
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.feed.auth import Auth
from include.ticklake.redaction.masking import remember
from include.ticklake.sources.auth import Credentials
from include.ticklake.sources.http.request import HttpRequest
from include.ticklake.sources.http.transport import HttpResponse

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

Send = Callable[[HttpRequest], "AbstractContextManager[HttpResponse]"]

_MAX_BYTES = 64 * 1024
_MARGIN_S = 60.0
_MARGIN_SHARE = 0.1
"""A token is renewed a minute before it ends, or in the last tenth of a shorter life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A token, and until when it is used; never shown."""

    text: str = field(repr=False)
    renew_at_s: float
    """By the clock that it was fetched by."""


_kept: dict[tuple[object, ...], AccessToken] = {}
_fetching = threading.Lock()
"""Units that run side by side need one token, not one each: a source may end the one before."""


def forget_all() -> None:
    """Keep no token: for tests, which are many programs in one process."""
    _kept.clear()


class AccessTokens:
    """The tokens of one login at one place."""

    def __init__(
        self,
        auth: Auth,
        credentials: Credentials,
        *,
        url: str,
        send: Send,
        clock: Callable[[], float],
    ) -> None:
        self._auth, self._credentials, self._url = auth, credentials, url
        self._send, self._clock = send, clock
        params = tuple(sorted((auth.token_params or {}).items()))
        self._key = (url, credentials.user, credentials.secret, params, auth.secret_in)

    def token(self) -> str:
        """A token that is valid for now, fetched where none is kept."""
        with _fetching:
            kept = _kept.get(self._key)
            if kept is None or self._clock() >= kept.renew_at_s:
                kept = _kept[self._key] = self._fetch()
            return kept.text

    def refused(self, token: str) -> None:
        """Do not use *token* again: the source did not take it."""
        with _fetching:
            kept = _kept.get(self._key)
            if kept is not None and kept.text == token:
                del _kept[self._key]

    def _fetch(self) -> AccessToken:
        # Feeds with another login, or none, do not pay for it.
        from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error

        client = BackendApplicationClient(self._credentials.user)
        params: Mapping[str, str] = self._auth.token_params or {}
        in_body = self._auth.secret_in == "body"  # noqa: S105 - where it is, not what
        secret = {"client_secret": self._credentials.secret} if in_body else {}
        body = client.prepare_request_body(include_client_id=in_body, **params, **secret)
        request = HttpRequest(
            url=self._url,
            method="POST",
            form=dict(parse_qsl(body, keep_blank_values=True)),
            headers={"Accept": "application/json"},
            secret_headers={} if in_body else {"Authorization": self._basic()},
            login_secret=self._credentials.secret,
        )
        asked_at_s = self._clock()
        try:
            with self._send(request) as response:
                text = _read(response.chunks).decode(errors="replace")
            token = client.parse_request_body_response(text)
            used_for_s = _used_for_s(token.get("expires_in"))
        except (OAuth2Error, ValueError, TypeError, AttributeError) as error:
            reason = request.sanitize(str(error)) if isinstance(error, OAuth2Error) else "not JSON"
            raise SourceRefusedError(
                f"{request}: no token is in the answer ({reason}); check source.auth.token_url and "
                f"the connection {self._auth.connection!r}"
            ) from None
        except SourceRefusedError as error:
            # Of the token, not of the page that it is for: without the status, which may say there
            # that there are no more pages.
            raise SourceRefusedError(
                f"{error} (for a token, with connection {self._auth.connection!r})"
            ) from None
        except MalformedPageError as error:
            raise MalformedPageError(f"{request}: {error}; check source.auth.token_url") from None
        remember(str(token["access_token"]))
        return AccessToken(
            text=str(token["access_token"]),
            renew_at_s=asked_at_s + used_for_s,
        )

    def _basic(self) -> str:
        pair = f"{self._credentials.user}:{self._credentials.secret}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _read(chunks: Iterable[bytes]) -> bytes:
    """The body, which is short."""
    body = b""
    for chunk in chunks:
        body += chunk
        if len(body) > _MAX_BYTES:
            raise SourceRefusedError(
                f"an answer of more than {_MAX_BYTES // 1024} KiB is not a token; check "
                "source.auth.token_url"
            )
    return body


def _used_for_s(expires_in: object) -> float:
    """How long a token is used that is valid for *expires_in* seconds; until it is refused, where
    nobody says."""
    if expires_in is None:
        return math.inf
    valid_s = float(str(expires_in))
    return valid_s - min(_MARGIN_S, valid_s * _MARGIN_SHARE)
