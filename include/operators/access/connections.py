"""What opens the storage and the sources, from Airflow connections; never in argv, XCom or logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.operators.access.masking import hide
from include.operators.access.settings import OperatorSettings
from include.ticklake.errors import UsageError
from include.ticklake.redaction.addresses import is_secret
from include.ticklake.sources.auth import Credentials

if TYPE_CHECKING:
    from airflow.sdk import Connection
    from sqlalchemy import Engine

    from include.ticklake.lake.cloud_stores import GetS3Credentials

_PASSED_ON = (
    "AWS_CA_BUNDLE",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_REGION",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
    "TICKLAKE_STORAGE_TIMEOUT_S",
)


@dataclass(frozen=True, slots=True)
class StorageAccess:
    """What opens a root; nothing for files."""

    env: dict[str, str]
    """Endpoint, region and the keys as they are now, for the process of a step: keys that end
    during the step cost a retry."""
    credentials: GetS3Credentials | None
    """What the task itself asks for keys again before they end."""


def storage_access(settings: OperatorSettings, environ: Mapping[str, str]) -> StorageAccess:
    """What opens ``settings.root_uri``; its secrets are masked, those that are renewed as well.

    The amazon provider's hook finds the keys by the Airflow connection ``settings.aws_conn_id``
    (keys, roles, STS, web identity, profiles); without such a connection it looks where boto3
    looks. Call it once a task, as each call assumes the role. ``UsageError`` if there are none.
    """
    if not settings.root_uri.startswith("s3://"):
        return StorageAccess({}, None)
    env, credentials = _from_connection(settings)
    passed_on = {name: environ[name] for name in _PASSED_ON if name in environ}
    return StorageAccess(passed_on | env, credentials)


def storage_address(settings: OperatorSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """Where ``settings.root_uri`` is, as plain settings without keys; nothing but for S3."""
    if not settings.root_uri.startswith("s3://"):
        return {}
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    config = AwsBaseHook(aws_conn_id=settings.aws_conn_id, client_type="s3").conn_config
    passed_on = {name: environ[name] for name in _PASSED_ON if environ.get(name)}
    return passed_on | _address(config, region=config.region_name)


def credentials(conn_id: str) -> Credentials:
    """The credentials for a source, from any of Airflow's secrets backends; masked from now on."""
    source = connection(conn_id)
    options = {
        name: str(value) for name, value in _extra(source).items() if isinstance(value, str | int)
    }
    return Credentials(user=source.login or "", secret=source.password or "", options=options)


def engine(conn_id: str) -> Engine:
    """The database of a connection whose provider speaks SQL; its password is masked in the log.

    Where no provider is installed for it, SQLAlchemy's own dialect of that name is used.
    """
    from airflow.sdk.exceptions import AirflowException
    from sqlalchemy import NullPool

    from include.ticklake.sources.sql import engines

    database = connection(conn_id)
    try:
        hook: Any = database.get_hook()  # type: ignore[no-untyped-call]  # Airflow's own
        opened: Engine = hook.get_sqlalchemy_engine({"poolclass": NullPool})
    except (AirflowException, AttributeError, ImportError):
        return engines.open_engine(database.as_json(), where=f"connection {conn_id!r}")
    return opened


def connection(conn_id: str) -> Connection:
    """The connection, its secrets masked from now on; ``UsageError`` if it does not exist."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        found = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise UsageError(
            f"the feed's source needs the connection {conn_id!r}, which does not exist; "
            f"add it in Airflow, or set AIRFLOW_CONN_{conn_id.upper()}"
        ) from None
    hide(found.password, *_secret_options(found))
    return found


def _secret_options(connection: Connection) -> list[str]:
    """What of a connection's extra is secret, by its name."""
    options = _extra(connection)
    return [text for name, text in options.items() if is_secret(name) and isinstance(text, str)]


def _extra(connection: Connection) -> dict[str, Any]:
    try:
        return dict(connection.extra_dejson)
    except ValueError:  # Airflow says what is wrong with it where it is read
        return {}


def _from_connection(settings: OperatorSettings) -> tuple[dict[str, str], GetS3Credentials]:
    # boto3 takes a second to import; parsing a DAG and a lake of files never need it.
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    from include.ticklake.lake.cloud_stores import in_time, session_credentials

    conn_id, timeout_s = settings.aws_conn_id, settings.storage_timeout_s
    hook = AwsBaseHook(aws_conn_id=conn_id, client_type="s3")
    config = hook.conn_config  # asks Airflow; the session asks AWS
    session = in_time(hook.get_session, timeout_s)
    credentials = session_credentials(session, timeout_s=timeout_s, hide=hide)
    if credentials is None:
        raise UsageError(
            f"no AWS credentials in the connection {conn_id!r} or where boto3 looks; "
            f"set AIRFLOW_CONN_{conn_id.upper()}, or name a connection in TICKLAKE_AWS_CONN_ID"
        )
    keys = credentials()
    env = {
        "AWS_ACCESS_KEY_ID": keys["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
        "AWS_SESSION_TOKEN": keys["token"],
    }
    address = _address(config, region=session.region_name)
    return {name: value for name, value in env.items() if value} | address, credentials


def _address(config: Any, *, region: str | None) -> dict[str, str]:
    env = {"AWS_REGION": region, "AWS_ENDPOINT_URL_S3": config.get_service_endpoint_url("s3")}
    options = getattr(config.botocore_config, "s3", None) or {}
    if options.get("addressing_style") == "virtual":
        env["AWS_VIRTUAL_HOSTED_STYLE_REQUEST"] = "true"
    return {name: value for name, value in env.items() if value}
