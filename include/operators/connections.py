"""Airflow connections in, what opens the storage or a source out: never into argv, XCom or logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from include.operators.settings import OperatorSettings
from include.ticklake.errors import UsageError
from include.ticklake.sources.auth import Credentials

if TYPE_CHECKING:
    from airflow.sdk import Connection

_PASSED_ON = (
    "AWS_CA_BUNDLE",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_REGION",
    "AWS_REQUEST_CHECKSUM_CALCULATION",
    "AWS_RESPONSE_CHECKSUM_VALIDATION",
)


def storage_env(settings: OperatorSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """What opens ``settings.root_uri``: nothing for files, credentials and endpoint for S3.

    The amazon provider's hook resolves them from the Airflow connection
    ``settings.aws_conn_id`` (keys, roles, STS, web identity, profiles); without such a
    connection it looks where boto3 looks. They are those of this moment: a session
    that ends during the task costs a retry. ``UsageError`` where there are none.
    """
    if not settings.root_uri.startswith("s3://"):
        return {}
    passed_on = {name: environ[name] for name in _PASSED_ON if name in environ}
    return passed_on | _from_connection(settings.aws_conn_id)


def login(conn_id: str) -> Credentials:
    """Who we are to a source, from any of Airflow's secrets backends; masked in the task's log."""
    found = connection(conn_id)
    return Credentials(user=found.login or "", secret=found.password or "")


def connection(conn_id: str) -> Connection:
    """The connection; ``UsageError`` where there is none."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise UsageError(
            f"the feed's source needs the connection {conn_id!r}, which is not there: "
            f"add it in Airflow, or set AIRFLOW_CONN_{conn_id.upper()}"
        ) from None


def _from_connection(conn_id: str) -> dict[str, str]:
    # boto3 takes a second to import; parsing a DAG and a lake of files never need it.
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    hook = AwsBaseHook(aws_conn_id=conn_id, client_type="s3")
    session = hook.get_session()
    if session.get_credentials() is None:
        raise UsageError(
            f"no AWS credentials in the connection {conn_id!r} nor where boto3 looks: "
            f"set AIRFLOW_CONN_{conn_id.upper()}, or name a connection in TICKLAKE_AWS_CONN_ID"
        )
    credentials = hook.get_credentials()  # also masks them in the task's log
    found = {
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_SESSION_TOKEN": credentials.token,
        "AWS_REGION": session.region_name,
        "AWS_ENDPOINT_URL_S3": hook.conn_config.get_service_endpoint_url("s3"),
    }
    return {name: value for name, value in found.items() if value}
