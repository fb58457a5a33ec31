"""Opening buckets of S3, Google Cloud and Azure: addresses, keys, deadlines, tries.

Every request has a deadline, and what may fail by chance is tried again. Keys that end are asked
for again in time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from obstore.store import AzureStore, GCSStore, S3Store

from include.ticklake.errors import UsageError
from include.ticklake.model.call_thread import CallThread, CallTimeoutError
from include.ticklake.redaction.masking import remember
from include.ticklake.settings import Settings

GetS3Credentials = Callable[[], Any]
"""Returns access key, secret key, token and when they end, as obstore has them."""

_VIRTUAL_HOSTED = "AWS_VIRTUAL_HOSTED_STYLE_REQUEST"
_LONGEST_CONNECT_S = 10
_MAX_RETRIES = 4
_RETRY_TIMEOUTS = 3
_LIST_TIMEOUTS = 60


def s3_store(
    bucket: str,
    prefix: str,
    env: Mapping[str, str],
    *,
    credentials: GetS3Credentials | None = None,
) -> S3Store:
    """The S3 store for *env* (``AWS_*``).

    *credentials* are asked for keys again before they end. Without them and without keys in *env*,
    AWS's own chain is asked: profiles, roles, web identity, the metadata of a machine.
    """
    endpoint = endpoint_url(env)
    if endpoint and urlsplit(endpoint).scheme not in ("http", "https"):
        raise UsageError(
            f"AWS_ENDPOINT_URL: {endpoint!r} is not an address; write http:// or https:// before it"
        )
    has_keys = bool(env.get("AWS_ACCESS_KEY_ID"))
    timeout_s = storage_timeout_s(env)
    session = None if credentials or (has_keys and "AWS_PROFILE" not in env) else _boto3_session()
    is_virtual = env.get(_VIRTUAL_HOSTED, "").lower() in ("1", "true")
    config: dict[str, Any] = {
        "endpoint": _with_bucket(endpoint, bucket) if is_virtual else endpoint,
        "region": env.get("AWS_REGION")
        or env.get("AWS_DEFAULT_REGION")
        or (session and session.region_name)
        or "us-east-1",
        "virtual_hosted_style_request": is_virtual,
    }
    remember(env.get("AWS_SECRET_ACCESS_KEY"), env.get("AWS_SESSION_TOKEN"))
    if has_keys and not credentials:
        config["access_key_id"] = env["AWS_ACCESS_KEY_ID"]
        config["secret_access_key"] = env.get("AWS_SECRET_ACCESS_KEY")
        config["session_token"] = env.get("AWS_SESSION_TOKEN")
    elif provider := credentials or session_credentials(session, timeout_s=timeout_s):
        config["credential_provider"] = provider
    return S3Store(
        bucket,
        prefix=prefix or None,
        client_options=_client_options(env, allow_http=urlsplit(endpoint).scheme == "http"),
        retry_config=_retries(env),
        **{name: value for name, value in config.items() if value},
    )


def endpoint_url(env: Mapping[str, str]) -> str:
    """The S3 server that *env* names; empty for that of AWS."""
    return env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL") or ""


def storage_timeout_s(env: Mapping[str, str]) -> int:
    """How long one request may take, as *env* says."""
    return Settings.from_env(env).storage_timeout_s


def list_timeout_s(env: Mapping[str, str]) -> int:
    """How long all the pages of a list may take: an hour at the default."""
    return _LIST_TIMEOUTS * storage_timeout_s(env)


def _with_bucket(endpoint: str, bucket: str) -> str:
    """``https://bucket.host``, for servers of the virtual-host style; empty for AWS's own."""
    parts = urlsplit(endpoint)
    return parts._replace(netloc=f"{bucket}.{parts.netloc}").geturl() if endpoint else ""


def gcs_store(bucket: str, prefix: str, env: Mapping[str, str]) -> GCSStore:
    """The Google Cloud store; credentials come from Google's own chain."""
    return GCSStore(
        bucket,
        prefix=prefix or None,
        client_options=_client_options(env, allow_http=False),
        retry_config=_retries(env),
    )


def azure_store(container: str, prefix: str, env: Mapping[str, str]) -> AzureStore:
    """The Azure store; account and keys come from ``AZURE_STORAGE_*`` or Azure's own chain."""
    return AzureStore(
        container,
        prefix=prefix or None,
        client_options=_client_options(env, allow_http=False),
        retry_config=_retries(env),
    )


def _client_options(env: Mapping[str, str], *, allow_http: bool) -> Any:  # noqa: ANN401
    timeout_s = storage_timeout_s(env)
    options: dict[str, Any] = {
        "allow_http": allow_http,
        "connect_timeout": timedelta(seconds=min(timeout_s, _LONGEST_CONNECT_S)),
        "timeout": timedelta(seconds=timeout_s),
    }
    if bundle := env.get("AWS_CA_BUNDLE"):
        options["root_certificate"] = Path(bundle).read_bytes()
    return options


def _retries(env: Mapping[str, str]) -> Any:  # noqa: ANN401
    """Tries that begin within three timeouts, so that a call ends within four."""
    retry_timeout = timedelta(seconds=_RETRY_TIMEOUTS * storage_timeout_s(env))
    return {"max_retries": _MAX_RETRIES, "retry_timeout": retry_timeout}


def _boto3_session() -> Any:  # noqa: ANN401
    """Profiles, single sign-on and a profile's region are boto3's, where it is installed."""
    try:
        from boto3 import Session
    except ImportError:
        return None
    return Session()


def session_credentials(
    session: Any,  # noqa: ANN401
    *,
    timeout_s: float,
    hide: Callable[..., None] = remember,
) -> GetS3Credentials | None:
    """The keys of boto3's *session*, asked for again every few minutes; None where it has none.

    *hide* is called with what is secret of all that come, so that renewed ones are masked as well.
    ``OSError`` where they have not come in *timeout_s*: botocore's own clocks count from the last
    byte, and a metadata endpoint may send one now and then.
    """
    if session is None or in_time(session.get_credentials, timeout_s) is None:
        return None
    from obstore.auth.boto3 import Boto3CredentialProvider

    # botocore gets new keys ten minutes before the old ones end.
    provider = Boto3CredentialProvider(session, ttl=timedelta(minutes=5))
    return partial(_hidden, provider, timeout_s, hide)


def _hidden(get: Callable[[], Any], timeout_s: float, hide: Callable[..., None]) -> Any:  # noqa: ANN401
    keys = in_time(get, timeout_s)
    hide(keys["secret_access_key"], keys["token"])
    return keys


def in_time(get: Callable[[], Any], timeout_s: float) -> Any:  # noqa: ANN401
    """The keys that *get* returns; ``OSError`` where it has not returned in *timeout_s*."""
    thread = CallThread()
    try:
        return thread.call(get, timeout_s=timeout_s)
    except CallTimeoutError:
        raise OSError(
            f"no AWS keys after TICKLAKE_STORAGE_TIMEOUT_S: {timeout_s:g}; set AWS_ACCESS_KEY_ID, "
            "or see to what gives the keys (a profile, the metadata of the machine)"
        ) from None
    finally:
        thread.close()
