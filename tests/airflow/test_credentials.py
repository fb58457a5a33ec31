"""Which S3 credentials a task gets, and where they come from."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk._shared.secrets_masker import redact

from include.operators.access.connections import credentials, storage_access
from include.operators.access.lake import open_lake
from include.operators.access.settings import OperatorSettings
from include.operators.runners.extract_step import ExtractStep
from include.ticklake.errors import UsageError
from include.ticklake.redaction.masking import mask
from tests.conftest import REPOSITORY
from tests.support import file_feeds
from tests.support.servers.http import HttpServer, Reply

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's and botocore's own, on import
]

ON_S3 = OperatorSettings(root_uri="s3://bucket/prefix")
KEY, SECRET, TOKEN = "AKIACANARY", "canary/secret+key=", "canary-token"


@pytest.fixture(autouse=True)
def _no_credentials_of_ours(monkeypatch, tmp_path):
    """Neither this machine's AWS settings nor an instance's metadata take part."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture
def connection(monkeypatch):
    """Sets an Airflow connection, as a deployment does by the environment."""

    def connect(conn_id: str = "aws_default", **fields: object) -> None:
        uri = json.dumps({"conn_type": "aws", **fields})
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", uri)

    return connect


def test_keys_region_and_endpoint_come_from_the_connection(connection):
    """The connection's extra says where S3 is, if not at AWS."""
    connection(
        login=KEY,
        password=SECRET,
        extra={"region_name": "eu-west-3", "endpoint_url": "http://127.0.0.1:9000"},
    )
    assert storage_access(ON_S3, {}).env == {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "eu-west-3",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000",
    }


def test_the_endpoint_of_s3_alone_counts(connection):
    """A connection may name one endpoint for each service."""
    services = {"s3": {"endpoint_url": "http://s3"}, "sts": {"endpoint_url": "http://sts"}}
    connection(login=KEY, password=SECRET, extra={"service_config": services})
    assert storage_access(ON_S3, {}).env["AWS_ENDPOINT_URL_S3"] == "http://s3"


def test_a_session_token_goes_with_its_keys(connection):
    """Temporary credentials work like lasting ones."""
    connection(login=KEY, password=SECRET, extra={"aws_session_token": TOKEN})
    assert storage_access(ON_S3, {}).env["AWS_SESSION_TOKEN"] == TOKEN


@pytest.fixture
def role(connection, http_server) -> HttpServer:
    """The STS and S3 of a connection whose keys may do nothing but assume a role."""
    connection(
        login="AKIAMASTER",
        password="master-secret",
        extra={
            "role_arn": "arn:aws:iam::123456789012:role/lake",
            "region_name": "us-east-1",
            "service_config": {
                service: {"endpoint_url": http_server.url} for service in ("s3", "sts")
            },
        },
    )
    return http_server


def test_a_role_is_assumed_once_a_task(role, monkeypatch):
    """For the process of its step and for what the task reads itself; nothing is read before."""
    role.answer_in_turn("/", assumed(SECRET, ends="2099-01-01T00:00:00Z"))
    role.answer("/bucket/a", b"1", headers={"ETag": '"1"'})
    monkeypatch.setenv("TICKLAKE_ROOT", ON_S3.root_uri.removesuffix("/prefix"))
    lake = open_lake()
    assert (lake.env["AWS_ACCESS_KEY_ID"], lake.env["AWS_SESSION_TOKEN"]) == (KEY, TOKEN)
    assert "AKIAMASTER" not in lake.env.values()
    assert [lake.storage.read("a") for _ in range(2)] == [b"1"] * 2
    assert [asked.path for asked in role.asked] == ["/", "/bucket/a", "/bucket/a"]
    assert {asked.headers.get("x-amz-security-token") for asked in role.asked[1:]} == {TOKEN}


def test_keys_that_are_renewed_are_masked(role):
    """As those are that the task began with: in what the core writes, and in Airflow's log."""
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    renewed = "second/secret+key="
    role.answer_in_turn(
        "/",
        assumed("renewed before they are used", ends=soon),
        assumed(SECRET, ends=soon),
        assumed(renewed, ends="2099-01-01T00:00:00Z"),
    )
    access = storage_access(ON_S3, {})
    assert access.credentials is not None
    assert access.credentials()["secret_access_key"] == renewed
    for text in (SECRET, renewed):
        assert (mask(f"<{text}>"), redact(f"<{text}>")) == ("<***>", "<***>")


def test_without_a_connection_boto3_looks_where_it_always_does(monkeypatch):
    """Keys in the environment work as they are."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    env = storage_access(ON_S3, {"AWS_ENDPOINT_URL": "http://127.0.0.1:9000"}).env
    assert env["AWS_ACCESS_KEY_ID"] == KEY
    assert env["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9000"


def test_another_connection_may_be_named(connection):
    """``TICKLAKE_AWS_CONN_ID`` chooses."""
    connection("lake", login=KEY, password=SECRET)
    settings = OperatorSettings.from_env(
        {"TICKLAKE_ROOT": "s3://bucket", "TICKLAKE_AWS_CONN_ID": "lake"}
    )
    assert storage_access(settings, {}).env["AWS_ACCESS_KEY_ID"] == KEY


def test_no_credentials_at_all_says_what_to_set():
    """Instead of a timeout at an instance's metadata, or an AttributeError."""
    with pytest.raises(UsageError, match="AIRFLOW_CONN_AWS_DEFAULT"):
        storage_access(ON_S3, {})


def test_what_is_beside_a_login_comes_with_it(monkeypatch):
    """Where a bucket of files is, and what its region is called."""
    extra = {"endpoint_url": "https://files.example.com", "verify": None, "port": 9000}
    text = json.dumps({"conn_type": "aws", "login": "key", "password": "own", "extra": extra})
    monkeypatch.setenv("AIRFLOW_CONN_HISTORY", text)
    found = credentials("history")
    assert (found.user, found.secret) == ("key", "own")
    assert found.options == {"endpoint_url": "https://files.example.com", "port": "9000"}


@pytest.mark.parametrize(
    ("address", "options", "expected"),
    [
        ("s3://bucket/{date}.csv", {"connection": "history"}, ["AIRFLOW_CONN_HISTORY"]),
        ("s3://bucket/{date}.csv", {}, []),
        (
            "https://data.example.com/{date}.csv",
            {"auth": {"kind": "bearer", "connection": "history"}},
            ["AIRFLOW_CONN_HISTORY"],
        ),
    ],
)
def test_the_connection_of_files_goes_with_the_step(address, options, expected, monkeypatch):
    """Of a bucket, or of a login; none where the feed names none."""
    monkeypatch.setenv("AIRFLOW_CONN_HISTORY", json.dumps({"conn_type": "aws", "login": "key"}))
    described = file_feeds.feed(address, source=options)
    step = ExtractStep(feed=described, manifests=(), progress=None, report=None)
    assert list(step.secrets()) == expected


def test_a_token_of_the_surroundings_is_not_mixed_with_keys_of_the_connection(connection):
    """Only credentials that belong together are handed on."""
    connection(login=KEY, password=SECRET)
    around = {"AWS_ACCESS_KEY_ID": "other", "AWS_SESSION_TOKEN": "other", "AWS_PROFILE": "other"}
    assert "other" not in storage_access(ON_S3, around).env.values()


def test_a_lake_of_files_needs_neither_credentials_nor_boto3():
    """Nothing is looked up that is not needed."""
    code = """if True:
        import sys
        from include.operators.access.connections import StorageAccess, storage_access
        from include.operators.access.settings import OperatorSettings
        on_disk = OperatorSettings(root_uri="file:///lake")
        assert storage_access(on_disk, {"AWS_REGION": "x"}) == StorageAccess({}, None)
        assert not {"boto3", "botocore", "airflow"} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True, timeout=60)


def assumed(secret: str, *, ends: str) -> Reply:
    body = f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleResult><Credentials>
<AccessKeyId>{KEY}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>
<SessionToken>{TOKEN}</SessionToken><Expiration>{ends}</Expiration>
</Credentials>
<AssumedRoleUser><AssumedRoleId>A:B</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/lake/x</Arn>
</AssumedRoleUser></AssumeRoleResult>
<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleResponse>"""
    return Reply(body=body.encode(), headers={"Content-Type": "text/xml"})
