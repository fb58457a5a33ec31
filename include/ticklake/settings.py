"""Settings: environment variables, read once at the edge into a frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from include.ticklake.errors import UsageError, did_you_mean
from include.ticklake.model.sizes import MIB, format_bytes, parse_bytes
from include.ticklake.redaction.addresses import mask_addresses

# A feed may choose these two for itself; what they mean is up to whoever runs the steps.
Runner = Literal["process", "docker", "kubernetes"]
Extraction = Literal["worker", "capped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingDoc:
    """What documentation says about a setting."""

    variable: str
    description: str
    default: str
    """As an environment variable would hold it; empty where nothing is set."""


class EnvironmentSettings(BaseModel):
    """Settings whose fields name an environment variable, a description and a default."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the variables of *env*; ``UsageError`` says which one is wrong, and what is right.

        An empty variable, as compose files write it, counts as not set.
        """
        variables = [doc.variable for doc in cls.documentation()]
        try:
            return cls.model_validate({name: env[name] for name in variables if env.get(name)})
        except ValidationError as error:
            raise UsageError(_describe(error.errors()[0], cls)) from None

    @classmethod
    def documentation(cls) -> list[SettingDoc]:
        """Describe each setting, in the order of the fields."""
        docs = []
        for name, field in cls.model_fields.items():
            default = field.get_default(call_default_factory=True)
            if name.endswith("_bytes"):
                default = format_bytes(default).replace(" ", "")
            docs.append(
                SettingDoc(
                    variable=str(field.validation_alias),
                    description=str(field.description),
                    default="" if default in (None, {}, ()) else str(default),
                )
            )
        return docs


def _describe(error: Mapping[str, Any], model: type[EnvironmentSettings]) -> str:
    """``<variable>: <value> is not ...; ...`` for the first error that pydantic found."""
    variable, value = str(error["loc"][0]), error["input"]
    context: dict[str, Any] = error.get("ctx", {})
    if error["type"] == "literal_error":
        expected = context["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        choices = f"{', '.join(expected[:-1])} or {expected[-1]}"
        return f"{variable}: {value!r} is not one of {choices}{did_you_mean(str(value), expected)}"
    if error["type"] == "value_error":
        return f"{variable}: {context['error']}"
    low, high = _bounds(variable, model)
    return f"{variable}: {value!r} is not a whole number from {low:,} to {high:,}"


def _bounds(variable: str, model: type[EnvironmentSettings]) -> tuple[int, int]:
    """The ``ge`` and ``le`` of a setting that is a number."""
    [field] = [field for field in model.model_fields.values() if field.validation_alias == variable]
    bounds = {
        name: getattr(constraint, name)
        for constraint in field.metadata
        for name in ("ge", "le")
        if hasattr(constraint, name)
    }
    return bounds["ge"], bounds["le"]


def _parse_size(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_bytes(value)
    except UsageError as error:
        raise ValueError(str(error)) from None


def _without_login(root_uri: object) -> object:
    """A root goes onto command lines and into manifests, so no login may be in it."""
    if isinstance(root_uri, str) and mask_addresses(root_uri) != root_uri:
        raise ValueError("a URI with credentials or options is refused; set AWS_* instead")
    return root_uri


_RATE_LIMIT_PLACES = ("redis", "rediss", "file")


def _place(url: object) -> object:
    """*url*, if it is of Redis or a folder; no error shows it: it may have a password."""
    if isinstance(url, str):
        parts = urlsplit(url)
        if parts.scheme not in _RATE_LIMIT_PLACES or not (parts.netloc or parts.path.strip("/")):
            raise ValueError("not an address of Redis; write redis://user:password@host:6379/0")
        if parts.scheme == "file" and parts.netloc:
            raise ValueError("a folder has three slashes; write file:///folder")
    return url


class Settings(EnvironmentSettings):
    """What the core asks of its environment; everything else is in the feed."""

    root_uri: Annotated[str, BeforeValidator(_without_login)] = Field(
        "file:///tmp/ticklake",
        validation_alias="TICKLAKE_ROOT",
        description="Root of the lake: `file:///folder` or `s3://bucket/prefix`.",
    )
    cap_bytes: Annotated[int, BeforeValidator(_parse_size)] = Field(
        128 * MIB,
        validation_alias="TICKLAKE_CAP",
        description="Hard memory limit of a memory-limited step, such as `192MiB`; `cap` in a "
        "feed file wins.",
    )
    feeds: str | None = Field(
        None,
        validation_alias="TICKLAKE_FEEDS",
        description="Folders with feeds of your own, separated as in `PATH`.",
    )
    shipped_feeds: str = Field(
        "all",
        validation_alias="TICKLAKE_SHIPPED_FEEDS",
        description="Which of the shipped feeds to load: `all`, `none`, or names separated by "
        "commas.",
    )
    files: str | None = Field(
        None,
        validation_alias="TICKLAKE_FILES",
        description="Folders whose files feeds may read by `file://` addresses, separated as in "
        "`PATH`. Empty for none.",
    )
    base_url: str | None = Field(
        None,
        validation_alias="TICKLAKE_BASE_URL",
        description="Send every HTTP request here instead of to the feed's own host: the replay, "
        "or a proxy. Empty for the real APIs.",
    )
    base_url_hosts: str | None = Field(
        None,
        validation_alias="TICKLAKE_BASE_URL_HOSTS",
        description="Only the requests to these hosts go to `TICKLAKE_BASE_URL`, separated by "
        "commas, with the port where the feed has one. Empty for all.",
    )
    rate_limit_url: Annotated[str | None, BeforeValidator(_place)] = Field(
        None,
        validation_alias="TICKLAKE_RATE_LIMIT_URL",
        repr=False,
        description="Where workers share the rate limits of each host: "
        "`redis://user:password@host:6379/0`, which those of several machines need, or "
        "`file:///folder`. Empty for a temporary folder of this machine and user.",
    )
    units_at_once: int = Field(
        8,
        ge=1,
        le=64,
        validation_alias="TICKLAKE_UNITS_AT_ONCE",
        description="Units of a batch that are fetched or converted side by side: they mostly "
        "wait for the network. The memory limit and a host's rate hold for all of them together.",
    )
    storage_timeout_s: int = Field(
        60,
        ge=1,
        le=3_600,
        validation_alias="TICKLAKE_STORAGE_TIMEOUT_S",
        description="Seconds that one request to a bucket may take, with all of its answer; what "
        "fails by chance is tried again for three times as long. Also for the keys of a bucket.",
    )
    latest_rows: int = Field(
        100,
        ge=0,
        le=10_000,
        validation_alias="TICKLAKE_LATEST_ROWS",
        description="Most records in a slice's `latest.json`; 0 writes none.",
    )
    iceberg: str | None = Field(
        None,
        validation_alias="TICKLAKE_ICEBERG",
        description="Iceberg catalog to commit to as well: `sqlite`, a URL, `glue` or `pyiceberg`.",
    )

    def base_url_for(self, own_url: str | None) -> str | None:
        """Where requests to *own_url*, a feed's own, go instead; None where they go there."""
        hosts = {host.strip().lower() for host in (self.base_url_hosts or "").split(",")} - {""}
        own_host = urlsplit(own_url or "").netloc.lower()
        return self.base_url if not hosts or own_host in hosts else None
