"""What the tests' S3 server does, and where it is not what one expects."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError

from tools.servers.s3 import Bucket

pytestmark = pytest.mark.s3

PART = {"ContentType": "application/json", "ContentEncoding": "gzip"}


def put(s3: Bucket, key: str, body: bytes) -> None:
    s3.client().put_object(Bucket=s3.name, Key=key, Body=body, **PART)


@contextmanager
def upload(s3: Bucket, key: str, body: bytes) -> Iterator[None]:
    """An upload of one part that is complete when the block ends."""
    client, to = s3.client(), {"Bucket": s3.name, "Key": key}
    id_ = client.create_multipart_upload(**to)["UploadId"]
    etag = client.upload_part(**to, UploadId=id_, PartNumber=1, Body=body)["ETag"]
    yield
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    client.complete_multipart_upload(**to, UploadId=id_, MultipartUpload=parts)


@pytest.mark.parametrize("size_bytes", [0, 3, 11 << 20])
def test_an_object_comes_back_as_it_was_written(s3, size_bytes):
    """With its headers, whatever its size."""
    body = os.urandom(size_bytes)
    put(s3, "lake/part.json.gz", body)
    answer = s3.client().get_object(Bucket=s3.name, Key="lake/part.json.gz")
    assert answer["Body"].read() == body
    assert {name: answer[name] for name in PART} == PART


def test_an_object_is_invisible_until_its_upload_is_complete(s3):
    """A reader sees an object whole or not at all."""
    with upload(s3, "lake/part", os.urandom(6 << 20)):
        assert "Contents" not in s3.client().list_objects_v2(Bucket=s3.name)
    assert s3.client().head_object(Bucket=s3.name, Key="lake/part")["ContentLength"] == 6 << 20


def test_listing_finds_every_key_as_it_was_written(s3):
    """Percent signs, spaces, plus signs and letters that differ by case only stay as they are."""
    names = ["symbol=BTC%2FUSDT", "interval=1M", "interval=1m", "a b", "x+y&z=1", "é~'!*"]
    for name in names:
        put(s3, f"lake/{name}/part", b"x")
    listed = s3.client().list_objects_v2(Bucket=s3.name)["Contents"]
    assert {entry["Key"] for entry in listed} == {f"lake/{name}/part" for name in names}


def test_a_wrong_key_is_refused(s3):
    """The server checks signatures, so credentials that do not arrive are noticed."""
    import boto3

    stranger = boto3.client(
        "s3", endpoint_url=s3.endpoint_url, region_name="us-east-1",
        aws_access_key_id=s3.access_key, aws_secret_access_key="wrong",
    )  # fmt: skip
    with pytest.raises(ClientError, match=r"AccessDenied|SignatureDoesNotMatch"):
        stranger.get_object(Bucket=s3.name, Key="lake/part")


def test_a_range_comes_with_the_status_of_the_whole(s3):
    """The right bytes with 200 instead of 206: why ``SkippingReader`` exists."""
    put(s3, "lake/part", b"0123456789")
    answer = s3.client().get_object(Bucket=s3.name, Key="lake/part", Range="bytes=2-4")
    # Read without boto3's check: the checksum that comes with it is the whole object's, too.
    assert (answer["Body"]._raw_stream.read(), answer["ContentRange"]) == (b"234", "bytes 2-4/10")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_condition_is_ignored(s3):
    """A write that should fail, since there is an object, replaces it."""
    put(s3, "lake/part", b"old")
    s3.client().put_object(Bucket=s3.name, Key="lake/part", Body=b"new", IfNoneMatch="*")
    assert s3.client().get_object(Bucket=s3.name, Key="lake/part")["Body"].read() == b"new"
