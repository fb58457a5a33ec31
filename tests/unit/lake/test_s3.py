"""What S3 needs beyond pyarrow: moves and deletes without folder objects, errors as ``OSError``."""

from __future__ import annotations

import pytest

from include.ticklake.lake import s3 as s3_storage
from include.ticklake.lake.s3 import S3KeyOperations
from include.ticklake.lake.storage import Storage
from tools.servers.s3 import Bucket


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
    keys = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    assert s3_storage.file_system(env | keys).region == expected


@pytest.mark.s3
def test_a_move_across_folders_leaves_no_object_behind(s3: Bucket):
    """Neither at the source nor in place of its folder."""
    storage = Storage.open(s3.root, s3.environment)
    storage.put("a/b/object", b"1")
    operations = S3KeyOperations(s3.environment)
    operations.move(storage.path("a/b/object"), storage.path("c/object"))
    assert list(storage.list("")) == ["c/object"]
    operations.delete(storage.path("c/object"))
    operations.delete(storage.path("c/object"))
    assert list(storage.list("")) == []


@pytest.mark.s3
def test_a_missing_object_is_an_os_error(s3: Bucket):
    """As pyarrow's own errors are, so callers handle one kind."""
    storage = Storage.open(s3.root, s3.environment)
    with pytest.raises(OSError, match=r"copy .*missing to .*target"):
        storage.move("missing", "target")
