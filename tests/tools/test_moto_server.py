"""What the tests' second S3 server does that the first does not: conditions, and counting."""

from __future__ import annotations

import pytest
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import S3Store


@pytest.fixture
def bucket(moto):
    return moto.bucket()


@pytest.fixture
def store(bucket) -> S3Store:
    return S3Store(
        bucket.name, endpoint=bucket.endpoint_url, region="us-east-1",
        access_key_id=bucket.access_key, secret_access_key=bucket.secret_key,
        client_options={"allow_http": True},
    )  # fmt: skip


def test_an_object_is_created_once(store):
    """The second write under that condition is refused, and changes nothing."""
    store.put("key", b"first", mode="create")
    with pytest.raises(AlreadyExistsError):
        store.put("key", b"second", mode="create")
    assert bytes(store.get("key").bytes()) == b"first"


def test_a_version_is_replaced_once(store):
    """Of two writes in place of one version the second is refused."""
    version = store.put("key", b"first")["e_tag"]
    store.put("key", b"second", mode={"e_tag": version})
    with pytest.raises(PreconditionError):
        store.put("key", b"third", mode={"e_tag": version})
    assert bytes(store.get("key").bytes()) == b"second"


def test_requests_are_counted_at_the_server(moto, bucket, store):
    """Each is listed once, and the list starts over when it was read."""
    store.put("key", b"text")
    store.get("key")
    assert moto.requests() == [f"PUT /{bucket.name}/key", f"GET /{bucket.name}/key"]
    assert moto.requests() == []
