"""``auth`` of a feed file: where the credentials of a connection go in a request."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from include.ticklake.model.strict import StrictModel


class Auth(StrictModel):
    """How requests are authenticated. Credentials come from an Airflow connection, never from this
    file."""

    kind: Literal["header", "query", "basic", "bearer", "sign"] = Field(
        description="Where the credentials go: a header, a query parameter, basic auth, a bearer "
        "token, or a custom signer."
    )
    connection: str = Field(
        pattern=r"^[A-Za-z0-9_]+$",
        description="Airflow connection id. Outside Airflow, the environment variable "
        "AIRFLOW_CONN_<ID>.",
    )
    name: str | None = Field(
        None, description="Name of the header or query parameter that holds the key."
    )
    signer: str | None = Field(
        None,
        pattern=r"^[\w.]+:\w+$",
        description="module:function that signs a request: mypackage.acme:sign.",
    )

    @model_validator(mode="after")
    def _options_match_the_kind(self) -> Auth:
        if (self.name is not None) != (self.kind in ("header", "query")):
            raise ValueError("name is required for kind header or query, and only allowed there")
        if (self.signer is not None) != (self.kind == "sign"):
            raise ValueError("signer is required for kind sign, and only allowed there")
        return self
