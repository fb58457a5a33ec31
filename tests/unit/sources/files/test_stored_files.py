"""Files of a bucket and of the disk: with the keys of a connection, in the folders allowed."""

from __future__ import annotations

import os

import pytest

from include.ticklake.errors import SourceRefusedError, UsageError
from include.ticklake.feed.limits import Limits
from include.ticklake.sources.auth import Credentials
from include.ticklake.sources.deadline import UnitDeadline
from include.ticklake.sources.files.stored_files import BucketFiles, LocalFiles, connection_env
from include.ticklake.sources.source import SourceContext
from tests.support.file_feeds import feed

DEADLINE = UnitDeadline(Limits())


def read_local(path, folders) -> bytes:
    env = {"TICKLAKE_FILES": os.pathsep.join(map(str, folders))}
    return b"".join(LocalFiles(DEADLINE, env=env).chunks(f"file://{path}"))


def test_a_file_in_an_allowed_folder_is_read(tmp_path):
    """Also in a folder below it."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b.csv").write_bytes(b"id\n1\n")
    assert read_local(tmp_path / "a/b.csv", ["/nowhere", tmp_path]) == b"id\n1\n"


@pytest.mark.parametrize("name", ["a b.csv", "a%20b.csv", "BTC?1.csv", "BTC#1.csv", "é;+,=.csv"])
def test_a_file_is_called_what_is_written(tmp_path, name):
    """A sign that ends the path of a web address would lead to another file."""
    (tmp_path / name).write_bytes(b"id\n1\n")
    (tmp_path / "BTC").write_bytes(b"id\n2\n")
    assert read_local(tmp_path / name, [tmp_path]) == b"id\n1\n"


def test_no_folder_is_allowed_by_default(tmp_path):
    """A feed file alone opens nothing of the machine."""
    (tmp_path / "b.csv").write_bytes(b"id\n1\n")
    with pytest.raises(UsageError, match="adds its folder to TICKLAKE_FILES"):
        read_local(tmp_path / "b.csv", [])


def test_what_leads_out_of_the_folder_is_refused(tmp_path):
    """By dots, by a link, or by a name that begins the same."""
    inside, outside = tmp_path / "in", tmp_path / "inside"
    inside.mkdir()
    outside.mkdir()
    (outside / "b.csv").write_bytes(b"id\n1\n")
    (inside / "link.csv").symlink_to(outside / "b.csv")
    for path in (inside / "../inside/b.csv", inside / "link.csv", outside / "b.csv"):
        with pytest.raises(UsageError, match="no folder that feeds may read"):
            read_local(path, [inside])


def test_a_missing_file_has_the_status_of_one(tmp_path):
    """And a folder or a pipe is none."""
    with pytest.raises(SourceRefusedError, match="no such file") as refused:
        read_local(tmp_path / "b.csv", [tmp_path])
    assert refused.value.status == 404
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceRefusedError, match="not a file"):
        read_local(tmp_path / "pipe", [tmp_path])


def bucket_files(bucket, *, env, **source: object) -> BucketFiles:
    described = feed(f"s3://{bucket.name}/{{date}}.csv", source=source)
    found = bucket.environment
    credentials = Credentials(
        user=found["AWS_ACCESS_KEY_ID"],
        secret=found["AWS_SECRET_ACCESS_KEY"],
        options={"endpoint_url": bucket.endpoint_url, "region_name": "us-east-1"},
    )
    context = SourceContext(get_credentials=lambda _: credentials, connect=lambda _: None)
    return BucketFiles(described.source, context, DEADLINE, env=env)


def test_an_object_is_read_with_the_keys_of_the_connection(moto):
    """And with those of the lake's environment where the feed names no connection."""
    bucket = moto.bucket()
    body = b"1,2.50\n" * 100_000
    bucket.client().put_object(Bucket=bucket.name, Key="a/b.csv", Body=body)
    address = f"s3://{bucket.name}/a/b.csv"
    by_connection = bucket_files(bucket, env={}, connection="files")
    assert b"".join(by_connection.chunks(address)) == body
    by_environment = bucket_files(bucket, env=bucket.environment)
    assert b"".join(by_environment.chunks(address)) == body
    with pytest.raises(SourceRefusedError, match=r"a/c.csv: there is no such file") as refused:
        list(by_connection.chunks(f"s3://{bucket.name}/a/c.csv"))
    assert refused.value.status == 404


def test_a_connection_has_its_own_keys_only():
    """None of the lake's goes to another server."""
    lake = {"AWS_SECRET_ACCESS_KEY": "of-the-lake", "AWS_SESSION_TOKEN": "of-the-lake",
            "AWS_ENDPOINT_URL_S3": "https://lake", "TICKLAKE_STORAGE_TIMEOUT_S": "9"}  # fmt: skip
    options = {"region_name": "eu-west-1", "endpoint_url": "https://files", "other": "x"}
    credentials = Credentials(user="key", secret="own", options=options)
    assert connection_env(credentials, lake) == {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "own",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "https://files",
        "TICKLAKE_STORAGE_TIMEOUT_S": "9",
    }
