"""One GET request, which shows its secrets to nobody but the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from include.ticklake.redaction.addresses import is_secret, redact_url
from include.ticklake.redaction.masking import mask, sanitize


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HttpRequest:
    """One GET request; its secrets are added when it is sent, and never shown."""

    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_params: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    login_secret: str = field(default="", repr=False)
    """The secret that the others are made of: a source may decode and repeat it."""

    def __repr__(self) -> str:
        return f"HttpRequest({self})"

    def __str__(self) -> str:
        url = f"{self.url}?{urlencode(self.params)}" if self.params else self.url
        return self.mask_secrets(redact_url(url))

    def sanitize(self, text: str) -> str:
        """*text* of a response on one short line, without the secrets that the request sent."""
        return sanitize(text, secrets=self._secrets)

    def mask_secrets(self, text: str) -> str:
        """*text* without the secrets that the request sent, and the source may have repeated."""
        return mask(text, secrets=self._secrets)

    @property
    def has_secrets(self) -> bool:
        """Whether anything of the request is for its source only."""
        return any(self._secrets)

    @property
    def _secrets(self) -> list[str]:
        public = {**self.params, **self.headers}
        suspects = [value for name, value in public.items() if is_secret(name)]
        suspects += [value for name, value in _query(self.url) if is_secret(name) and value[3:]]
        added = [*self.secret_params.values(), *self.secret_headers.values()]
        return [*suspects, *added, self.login_secret]


def _query(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query)
    except ValueError:
        return []
