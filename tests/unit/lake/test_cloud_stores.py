"""How buckets are reached: the requests that arrive at a server of ours, and whose keys sign them.

Google Cloud and Azure have no server here: that their roots open is all that is tested.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.lake import cloud_stores
from include.ticklake.lake.storage import Storage
from tests.support.servers import tls
from tests.support.servers.http import HttpServer
from tests.support.servers.raw import Drip, RawServer

KEYS = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
ETAG = {"ETag": '"1"', "Last-Modified": "Sun, 22 Nov 2026 05:00:00 GMT"}
READ = """
import os, sys
from include.ticklake.lake.storage import Storage
print(Storage.open(sys.argv[1], os.environ).read("a/b"))
"""


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        pytest.param({}, "us-east-1", id="the default"),
        pytest.param({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1", id="the default region"),
        pytest.param(
            {"AWS_REGION": "eu-north-1", "AWS_DEFAULT_REGION": "eu-west-1"},
            "eu-north-1",
            id="both",
        ),
    ],
)
def test_the_region_comes_from_the_environment(env, expected):
    """As AWS's own tools choose it."""
    assert cloud_stores.s3_store("bucket", "", env | KEYS).config["region"] == expected


def test_an_endpoint_without_a_scheme_is_an_error():
    """It says what to write."""
    with pytest.raises(UsageError, match="'minio:9000' is not an address; write http://"):
        Storage.open("s3://bucket/lake", KEYS | {"AWS_ENDPOINT_URL": "minio:9000"})


def test_a_path_of_the_endpoint_is_kept(http_server: HttpServer):
    """A server behind a gateway; the bucket follows in the path."""
    http_server.answer("/gateway/bucket/lake/a/b", b"1", headers=ETAG)
    env = KEYS | {"AWS_ENDPOINT_URL": f"{http_server.url}/gateway"}
    assert Storage.open("s3://bucket/lake", env).read("a/b") == b"1"


def test_the_bucket_is_in_the_path_or_in_the_name_of_the_host(http_server: HttpServer):
    """``AWS_VIRTUAL_HOSTED_STYLE_REQUEST`` says which; a proxy sees both."""
    http_server.answer("http://s3.example/bucket/lake/a/b", b"path", headers=ETAG)
    http_server.answer("http://bucket.s3.example/lake/a/b", b"host", headers=ETAG)
    http_server.answer("/bucket/lake/a/b", b"path", headers=ETAG)
    http_server.answer("/lake/a/b", b"host", headers=ETAG)
    env = KEYS | {"AWS_ENDPOINT_URL": "http://s3.example", "HTTP_PROXY": http_server.url}
    virtual = {"AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true"}
    assert read_in_a_process("s3://bucket/lake", env) == "b'path'"
    assert read_in_a_process("s3://bucket/lake", env | virtual) == "b'host'"
    assert [asked.headers["host"] for asked in http_server.asked] == [
        "s3.example",
        "bucket.s3.example",
    ]


def test_a_certificate_of_ones_own_is_trusted_by_ca_bundle(tmp_path):
    """``AWS_CA_BUNDLE``; without it the server is refused."""
    bundle, certificate = tls.signed_by_an_authority(tmp_path)
    with HttpServer(tls=tls.server_context(certificate)) as server:
        server.answer("/bucket/lake/a/b", b"1", headers=ETAG)
        env = KEYS | {"AWS_ENDPOINT_URL": server.url}
        trusted = Storage.open("s3://bucket/lake", env | {"AWS_CA_BUNDLE": str(bundle)})
        assert trusted.read("a/b") == b"1"
        with pytest.raises(OSError, match="s3://bucket/lake/a/b: cannot read"):
            Storage.open("s3://bucket/lake", env).read("a/b")


def test_keys_that_end_are_asked_for_again(http_server: HttpServer, tmp_path, monkeypatch):
    """As STS, roles and workload identity give them; here by a program that a profile names."""
    program = tmp_path / "keys.py"
    program.write_text(
        "import json, pathlib, datetime\n"
        "count = pathlib.Path(__file__).with_name('count')\n"
        "number = int(count.read_text()) + 1 if count.exists() else 1\n"
        "count.write_text(str(number))\n"
        "end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1)\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': f'KEY{number}', 'SecretAccessKey': 's',\n"
        "    'SessionToken': f'TOKEN{number}', 'Expiration': end.isoformat()}))\n"
    )
    config = tmp_path / "config"
    config.write_text(
        f"[profile shared]\nregion = eu-central-2\n"
        f"credential_process = {sys.executable} {program}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "shared")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    http_server.answer("/bucket/lake/a/b", b"1", headers=ETAG)
    import boto3

    get_keys = cloud_stores.session_credentials(boto3.Session(), timeout_s=60)
    assert get_keys is not None
    get_keys.args[0].ttl *= 0
    env = {"AWS_ENDPOINT_URL": http_server.url}
    storage = Storage.open("s3://bucket/lake", env, credentials=get_keys)
    assert [storage.read("a/b") for _ in range(2)] == [b"1"] * 2
    signed = [asked.headers["authorization"] for asked in http_server.asked]
    numbers = [int(re.search(r"Credential=KEY(\d+)/", text).group(1)) for text in signed]
    assert numbers[0] < numbers[1]
    assert [asked.headers["x-amz-security-token"] for asked in http_server.asked] == [
        f"TOKEN{number}" for number in numbers
    ]


def test_the_region_of_a_profile_counts(tmp_path, monkeypatch):
    """Where the environment names none."""
    config = tmp_path / "config"
    config.write_text(
        "[profile shared]\nregion = eu-central-2\n"
        "aws_access_key_id = k\naws_secret_access_key = s\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "shared")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    assert cloud_stores.s3_store("bucket", "", {}).config["region"] == "eu-central-2"
    assert cloud_stores.s3_store("bucket", "", {"AWS_REGION": "eu-north-1"}).config["region"] == (
        "eu-north-1"
    )


@pytest.mark.parametrize(
    ("root", "env"),
    [
        pytest.param("gs://bucket/lake", {}, id="Google Cloud"),
        pytest.param(
            "az://container/lake",
            {"AZURE_STORAGE_ACCOUNT_NAME": "a", "AZURE_STORAGE_ACCOUNT_KEY": "a2V5"},
            id="Azure",
        ),
    ],
)
def test_roots_of_google_cloud_and_azure_open(root, env, monkeypatch, tmp_path):
    """No more than that is tested: there is no server of theirs here."""
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    if root.startswith("gs:"):
        account = {"gcs_base_url": "http://127.0.0.1:9", "disable_oauth": True}
        path = tmp_path / "account.json"
        path.write_text(
            json.dumps(account | {"client_email": "", "private_key": "", "private_key_id": ""})
        )
        monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(path))
    storage = Storage.open(root, env)
    assert storage.uri("a/b") == f"{root}/a/b"


def read_in_a_process(root: str, env: dict[str, str]) -> str:
    """What ``a/b`` has, as a process of its own sees it, whose proxy nobody else has."""
    done = subprocess.run(
        [sys.executable, "-c", READ, root],
        env=env | {"PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.strip()


def test_keys_that_do_not_come_are_not_waited_for(monkeypatch, tmp_path):
    """A metadata endpoint sends a byte now and then: each is in botocore's own time."""
    with RawServer(b"HTTP/1.1 200 OK\r\nX: ", then=Drip(b"x")) as server:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url)
        monkeypatch.setenv("HOME", str(tmp_path))
        for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_CONFIG_FILE"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(OSError, match="no AWS keys after TICKLAKE_STORAGE_TIMEOUT_S: 1;"):
            Storage.open("s3://bucket/lake", {"TICKLAKE_STORAGE_TIMEOUT_S": "1"})


@pytest.mark.parametrize("text", ["0", "x", "1.5", "3601"])
def test_the_timeout_is_a_whole_number_of_seconds(text):
    """The error names the variable and its bounds."""
    with pytest.raises(UsageError, match=r"TICKLAKE_STORAGE_TIMEOUT_S: .*from 1 to 3,600"):
        Storage.open("s3://bucket/lake", KEYS | {"TICKLAKE_STORAGE_TIMEOUT_S": text})
