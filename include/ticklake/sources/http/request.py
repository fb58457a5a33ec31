"""One request, which shows its secrets to nobody but the source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from include.ticklake.feed.paging.json_text import json_text
from include.ticklake.model.param_values import put
from include.ticklake.redaction.addresses import is_secret, redact_url
from include.ticklake.redaction.masking import MASK, mask, sanitize

QueryParams = Mapping[str, str | list[str]]
"""Parameters as they are sent: one that is a list is repeated."""

_SHOWN_TEXT = 40
"""Characters of a text in a body that are shown: a query in GraphQL is long."""
_SHOWN_BODY = 300


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HttpRequest:
    """One GET or POST; its secrets are added when it is sent, and never shown."""

    url: str
    method: Literal["GET", "POST"] = "GET"
    params: QueryParams = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = field(default=None, repr=False)
    """What is sent as JSON, if anything."""
    form: QueryParams | None = field(default=None, repr=False)
    secret_params: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_body: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By the paths in a JSON body, or the names in a form."""
    login_secret: str = field(default="", repr=False)
    """The secret that the others are made of: a source may decode and repeat it."""

    def __repr__(self) -> str:
        return f"HttpRequest({self})"

    def __str__(self) -> str:
        url = f"{self.url}?{urlencode(self.params, doseq=True)}" if self.params else self.url
        shown = self.mask_secrets(redact_url(url))
        if self.method == "GET":
            return shown
        body = self.form if self.form is not None else self.body
        text = "" if body is None else f" {json_text(self._shown(body))}"
        return f"{self.method} {shown}{text[:_SHOWN_BODY]}{'...' * (len(text) > _SHOWN_BODY)}"

    @property
    def data(self) -> bytes | None:
        """The body as it is sent; None where there is none."""
        if self.form is not None:
            return urlencode({**self.form, **self.secret_body}, doseq=True).encode()
        body = self.body
        for path, secret in self.secret_body.items():
            body = put(body, path, secret)
        # What UTF-8 has no bytes for, half of a pair, is an escape: JSON has it, too.
        return None if body is None else json_text(body).encode(errors="backslashreplace")

    @property
    def content_type(self) -> str:
        """What the body is."""
        return "application/json" if self.form is None else "application/x-www-form-urlencoded"

    def names_number(self, number: int) -> bool:
        """Whether a parameter, or a value in its body, is *number*: a limit, mostly."""
        values = _scalars([self.params, self.form, self.body])
        return any(str(value) == str(number) for value in values)

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
        suspects = [value for name, value in self._named_texts() if is_secret(name)]
        suspects += [value for name, value in _query(self.url) if is_secret(name) and value[3:]]
        parts = (self.secret_params, self.secret_headers, self.secret_body)
        added = [secret for part in parts for secret in part.values()]
        return [*suspects, *added, self.login_secret]

    def _named_texts(self) -> Iterator[tuple[str, str]]:
        for sent in (self.params, self.headers, self.form, self.body):
            yield from _named_texts(sent, "")

    def _shown(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        """*value* with its secrets masked, and long texts cut."""
        if isinstance(value, Mapping):
            return {
                name: MASK if is_secret(name) and inner else self._shown(inner)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [self._shown(inner) for inner in value]
        if not isinstance(value, str):
            return value
        line = " ".join(self.mask_secrets(value).split())
        return line if len(line) <= _SHOWN_TEXT else f"{line[:_SHOWN_TEXT]}..."


def _scalars(value: object) -> Iterator[object]:
    """Every value in *value* that holds no other."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list):
        yield value
        return
    for inner in value:
        yield from _scalars(inner)


def _named_texts(value: object, name: str) -> Iterator[tuple[str, str]]:
    """Every text in *value*, with the name of the member that it is in."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _named_texts(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _named_texts(inner, name)


def _query(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query)
    except ValueError:
        return []
