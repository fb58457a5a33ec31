"""What buckets need: aborted uploads, one request an object, errors as ``OSError``."""

from __future__ import annotations

import os
import re
import socket

import pyarrow as pa
import pytest

from include.ticklake.lake import cloud_stores
from include.ticklake.lake.object_store import BucketStore
from include.ticklake.lake.storage import Storage
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply
from tools.servers.s3 import Bucket


@pytest.fixture
def storage(s3: Bucket) -> Storage:
    """An empty lake in a bucket."""
    return Storage.open(s3.root, s3.environment)


def write_and_fail(storage: Storage, size_bytes: int) -> None:
    with storage.open_output("a/b") as stream:
        stream.write(os.urandom(size_bytes))
        stream.write("text where bytes belong")


@pytest.mark.s3
def test_a_stream_that_is_left_by_an_exception_leaves_nothing(s3: Bucket, storage):
    """Neither a small one nor one of several parts, which are removed from the server."""
    for size_bytes in (10, 12 * 1024**2):
        with pytest.raises(TypeError):
            write_and_fail(storage, size_bytes)
    assert list(storage.list("")) == []
    assert s3.client().list_multipart_uploads(Bucket=s3.name).get("Uploads", []) == []


@pytest.mark.s3
def test_an_object_of_several_parts_is_read_back_as_it_was_written(storage):
    """In a stream, by ranges and whole, with the headers that it was given."""
    body = os.urandom(12 * 1024**2 + 7)
    with storage.open_output("a/b", metadata={"Content-Type": "application/json"}) as stream:
        for start in range(0, len(body), 999_983):
            stream.write(body[start : start + 999_983])
    with storage.open_input("a/b") as stream:
        assert b"".join(iter(lambda: stream.read(100_000), b"")) == body
    file = pa.PythonFile(storage.open_file("a/b"), mode="r")
    assert file.size() == len(body)
    assert file.read_at(100, 5_000_000) == body[5_000_000:5_000_100]
    assert storage.read("a/b") == body


@pytest.mark.s3
def test_a_move_across_folders_leaves_no_object_behind(storage):
    """Neither at the source nor in place of its folder."""
    storage.put("a/b/object", b"1")
    storage.move("a/b/object", "c/object")
    assert list(storage.list("")) == ["c/object"]
    storage.delete("c/object")
    storage.delete("c/object")
    assert list(storage.list("")) == []


@pytest.mark.s3
def test_what_a_server_refuses_is_an_os_error(s3: Bucket, storage):
    """With the address of the object, and without the key that was sent."""
    with pytest.raises(FileNotFoundError, match=r"^s3://.*/lake/missing: there is no such object"):
        storage.move("missing", "target")
    other = Storage.open(s3.root, s3.environment | {"AWS_SECRET_ACCESS_KEY": "wrong-key"})
    with pytest.raises(OSError, match=r"lake/a: cannot read; ") as refused:
        other.read("a")
    assert "wrong-key" not in str(refused.value)


def test_a_server_that_is_not_there_is_an_os_error():
    """It says where nobody answered."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    env = {
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    with pytest.raises(OSError, match=r"s3://bucket/lake/a: cannot read; "):
        Storage.open("s3://bucket/lake", env).read("a")


class Pieces:
    """Answers requests for a range of *body* with a few bytes more of it each time."""

    def __init__(self, body: bytes, piece_bytes: int) -> None:
        self._body, self._piece_bytes = body, piece_bytes

    def __call__(self, request: ReceivedRequest) -> Reply:
        size = len(self._body)
        ranged = "range" in request.headers
        start = int(re.sub(r"bytes=(\d+)-.*", r"\1", request.headers.get("range", "bytes=0-")))
        headers = {"ETag": '"1"', "Last-Modified": "Sun, 22 Nov 2026 05:00:00 GMT"}
        if ranged:
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        return Reply(
            body=self._body[start:], status=206 if ranged else 200, headers=headers,
            cut_after_bytes=self._piece_bytes,
        )  # fmt: skip


def opened(server: HttpServer, **more: str) -> Storage:
    env = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL": server.url}
    return Storage.open("s3://bucket/lake", env | more)


def test_an_object_is_read_on_however_many_answers_end_early(http_server):
    """As those do whose reader takes longer than one request may."""
    body = os.urandom(13 * 1024**2)
    http_server.answer_by("/bucket/lake/a/b", Pieces(body, 1100 * 1024))
    with opened(http_server).open_input("a/b") as stream:
        assert stream.read() == body
    assert len(http_server.asked) > 10


@pytest.mark.parametrize("later_version", ["1", "2"])
def test_an_object_is_read_on_by_a_server_without_ranges(http_server, later_version):
    """It sends all of it again, whatever it is asked for; another version of it is refused."""
    body = os.urandom(7 * 1024**2)

    def answer(_: ReceivedRequest) -> Reply:
        answers = len(http_server.asked)
        return Reply(
            body=body, headers={"ETag": f'"{later_version if answers > 2 else 1}"'},
            cut_after_bytes=answers * 2 * 1024**2,
        )  # fmt: skip

    http_server.answer_by("/bucket/lake/a/b", answer)
    with opened(http_server).open_input("a/b") as stream:
        if later_version == "1":
            assert stream.read() == body
        else:
            with pytest.raises(OSError, match="a/b: it was replaced while it was read"):
                stream.read()


def test_an_object_that_is_replaced_while_it_is_read_is_an_error(http_server):
    """Half of the one and half of the other would be neither."""
    pieces = Pieces(bytes(13 * 1024**2), 1100 * 1024)

    def answer(request: ReceivedRequest) -> Reply:
        is_replaced = "if-match" in request.headers
        return Reply(status=412) if is_replaced else pieces(request)

    http_server.answer_by("/bucket/lake/a/b", answer)
    with (
        opened(http_server).open_input("a/b") as stream,
        pytest.raises(OSError, match="a/b: it was replaced while it was read; read it again"),
    ):
        stream.read()


def test_an_object_that_gives_next_to_nothing_is_not_read_on(http_server):
    """That is the fault of the server, not of the reader."""
    http_server.answer_by("/bucket/lake/a/b", Pieces(bytes(3 * 1024**2), 70_000))
    with (
        opened(http_server).open_input("a/b") as stream,
        pytest.raises(OSError, match="a/b: cannot read"),
    ):
        stream.read()
    assert len(http_server.asked) < 10


def test_a_list_that_does_not_end_is_left(http_server):
    """Each of its pages has another object and says that there are more."""
    page = (
        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t"
        "</NextContinuationToken><Contents><Key>lake/a/{}</Key><LastModified>2026-11-22T05:00:00.000Z"
        '</LastModified><ETag>"1"</ETag><Size>1</Size></Contents></ListBucketResult>'
    )
    http_server.answer_by(
        "/bucket", lambda _: Reply(body=page.format(len(http_server.asked)).encode())
    )
    store = cloud_stores.s3_store("bucket", "lake", {
        "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL": http_server.url,
    })  # fmt: skip
    endless = BucketStore(store, name="s3://bucket/lake", identity="1", list_timeout_s=0.2)
    with pytest.raises(OSError, match=r"bucket/lake/a: the list does not end in 0.2 s"):
        endless.infos("a")
