"""What a source's ``auth`` adds to a request as it is sent, and keeps out of all else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from include.ticklake.feed.http_source import HttpSource
from include.ticklake.model.record_blocks import Block
from include.ticklake.redaction.masking import holds_secret, remember
from include.ticklake.sources.auth import Credentials, RequestSecrets, sign_request
from include.ticklake.sources.http.access_token import AccessTokens, Send
from include.ticklake.sources.http.repeated_secrets import without_secrets
from include.ticklake.sources.http.request import HttpRequest


class Login:
    """The login of one client; without ``auth`` it adds nothing."""

    def __init__(
        self,
        source: HttpSource,
        credentials: Credentials | None,
        *,
        base_url: str,
        send: Send,
        clock: Callable[[], float],
    ) -> None:
        self._auth, self._credentials = source.auth, credentials
        self._added = RequestSecrets()
        self._secrets = [*filter(None, credentials.secrets)] if credentials else []
        remember(*self._secrets)
        self._tokens: AccessTokens | None = None
        self._token = ""
        if source.auth and credentials and source.auth.token_url:
            self._tokens = AccessTokens(
                source.auth,
                credentials,
                url=_token_url(source.auth.token_url, source.base_url, base_url),
                send=send,
                clock=clock,
            )

    @property
    def is_used(self) -> bool:
        """Whether requests have a login."""
        return self._credentials is not None

    @property
    def secret(self) -> str:
        """What the others are made of; empty without a login."""
        return self._secrets[0] if self._secrets else ""

    def sign(self, request: HttpRequest) -> HttpRequest:
        """*request* with what the login adds to it, which may take a request for a token."""
        if self._auth is None or self._credentials is None:
            return request
        if self._tokens:
            self._use(self._tokens.token())
            self._added = RequestSecrets(headers={"Authorization": f"Bearer {self._token}"})
        else:
            self._added = sign_request(
                self._auth,
                self._credentials,
                path=urlsplit(request.url).path,
                params=request.params,
                body=request.data,
            )
        return replace(
            request,
            secret_params=self._added.params,
            secret_headers=self._added.headers,
            secret_body=self._added.body,
        )

    def renew(self) -> bool:
        """Take another token from now on; False where the login has none to renew."""
        if self._tokens is None:
            return False
        self._tokens.refused(self._token)
        return True

    def without_credentials(self, url: str) -> str:
        """*url* without the parameters that are our own login's, which are added on sending.

        Some sources repeat them in the URL of the next page.
        """
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        ours = self._added.params
        kept = [pair for pair in pairs if pair[0] not in ours and not self.is_in(pair[1])]
        return url if kept == pairs else urlunsplit(parts._replace(query=urlencode(kept)))

    def without_secrets(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """*blocks* without our own secrets, which a source may repeat in them."""
        return without_secrets(blocks, self._secrets)

    def is_in(self, text: str) -> bool:
        """Whether *text* holds a secret of the login, or something that it adds."""
        parts = (self._added.params, self._added.headers, self._added.body)
        added = [secret for part in parts for secret in part.values()]
        secrets = [*self._secrets, *filter(None, added)]
        return text in secrets or (bool(secrets) and holds_secret(text, secrets=secrets))

    def _use(self, token: str) -> None:
        if token != self._token:
            self._secrets = [*(one for one in self._secrets if one != self._token), token]
            self._token = token


def _token_url(token_url: str, own_url: str, base_url: str) -> str:
    """The address for tokens; where another server takes the source's place, it does so here."""
    if token_url.startswith("/"):
        return base_url + token_url
    is_own = token_url.startswith(f"{own_url}/")
    return base_url + token_url.removeprefix(own_url) if is_own else token_url
