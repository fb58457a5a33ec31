"""``auth`` of a feed file: where the credentials of a connection go in a request."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from include.ticklake.feed.address import check_token_url
from include.ticklake.model.strict import FieldError, StrictModel

_CREDENTIAL = re.compile(r"\{(\w+)\}")
_KINDS: dict[str, tuple[str, ...]] = {
    "name": ("header", "query", "body"),
    "headers": ("header",),
    "signer": ("sign",),
    "token_url": ("oauth2",),
    "token_params": ("oauth2",),
    "secret_in": ("oauth2",),
}
"""An option, and the kinds that have it."""


class Auth(StrictModel):
    """How requests are authenticated. Credentials come from an Airflow connection, never from this
    file."""

    kind: Literal["header", "query", "body", "basic", "bearer", "sign", "oauth2"] = Field(
        description="Where the credentials go: a header, a query parameter, the body of a POST, "
        "basic auth, a bearer token, a custom signer, or OAuth 2 client credentials."
    )
    connection: str = Field(
        pattern=r"^[A-Za-z0-9_]+$",
        description="Airflow connection id. Outside Airflow, the environment variable "
        "AIRFLOW_CONN_<ID>.",
    )
    name: str | None = Field(
        None,
        description="Name of the header, query parameter or field of the form that holds the key; "
        "of a JSON body its path: params.api_key.",
    )
    headers: dict[str, str] | None = Field(
        None,
        min_length=1,
        description="Several headers instead of name, from the connection: {X-Key: '{login}', "
        "X-Secret: '{password}', X-Pass: '{passphrase}'}; other names are those of its extra.",
    )
    signer: str | None = Field(
        None,
        pattern=r"^[\w.]+:\w+$",
        description="module:function that signs a request: mypackage.acme:sign.",
    )
    token_url: Annotated[str, AfterValidator(check_token_url)] | None = Field(
        None,
        description="Where OAuth 2 tokens come from: an address, or a path of base_url. The "
        "connection's login is the client's id, its password the secret.",
    )
    token_params: dict[str, str] | None = Field(
        None,
        description="Further parameters of the request for a token: {scope: read, audience: "
        "https://api.example.com}.",
    )
    secret_in: Literal["header", "body"] | None = Field(
        None,
        description="Whether the token request has the secret in a header (basic auth) or in its "
        "body. Defaults to header.",
    )

    @model_validator(mode="after")
    def _options_match_the_kind(self) -> Auth:
        for option, kinds in _KINDS.items():
            if getattr(self, option) is not None and self.kind not in kinds:
                raise FieldError(f"is only for kind {' or '.join(kinds)}", path=(option,))
        if self.kind in _KINDS["name"] and bool(self.name) == bool(self.headers):
            either = "name or headers is" if self.kind == "header" else "name is"
            raise ValueError(f"{either} required for kind {self.kind}, and one of them only")
        if self.kind == "sign" and not self.signer:
            raise ValueError("signer is required for kind sign")
        if self.kind == "oauth2" and not self.token_url:
            raise ValueError("token_url is required for kind oauth2")
        for name, text in (self.headers or {}).items():
            if not credential_names(text) or set("{}") & set(_CREDENTIAL.sub("", text)):
                raise FieldError(
                    f"{text!r} names nothing of the connection; write '{{login}}', "
                    "'{password}', or the name of a value in its extra, and other headers into "
                    "source.headers",
                    path=("headers", name),
                )
        return self


def credential_names(text: str) -> list[str]:
    """What of a connection is in a header: ``login``, ``password``, names of its extra."""
    return _CREDENTIAL.findall(text)


def fill_credentials(text: str, values: dict[str, str]) -> str:
    """*text* with what it names of a connection; ``KeyError`` with a name that is not there."""
    return _CREDENTIAL.sub(lambda match: values[match[1]], text)
