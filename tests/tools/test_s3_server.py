"""The object storage of the tests: what ticklake needs of it works, and its traps stay known."""

from __future__ import annotations

import os

import pyarrow.fs
import pytest

from tools.servers.s3 import Bucket

pytestmark = pytest.mark.s3

PART = {"Content-Type": "application/json", "Content-Encoding": "gzip"}


@pytest.fixture
def storage(s3: Bucket, monkeypatch: pytest.MonkeyPatch) -> pyarrow.fs.S3FileSystem:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return pyarrow.fs.S3FileSystem(endpoint_override=s3.endpoint_url)


def put(storage: pyarrow.fs.S3FileSystem, path: str, body: bytes) -> None:
    # compression=None: else pyarrow compresses a second time whatever is called .gz.
    with storage.open_output_stream(path, metadata=PART, compression=None) as target:
        target.write(body)


def get(storage: pyarrow.fs.S3FileSystem, path: str) -> bytes:
    with storage.open_input_stream(path, compression=None) as source:
        return source.read()


@pytest.mark.parametrize(
    "size_bytes",
    [
        pytest.param(0, id="empty"),
        pytest.param(3, id="small"),
        pytest.param(11 << 20, id="multipart"),
    ],
)
def test_an_object_comes_back_as_it_was_written(storage, s3, size_bytes):
    """What is written is read again, byte for byte, whatever its size."""
    body = os.urandom(size_bytes)
    put(storage, f"{s3.name}/lake/part.json.gz", body)
    assert get(storage, f"{s3.name}/lake/part.json.gz") == body


def test_headers_are_kept(storage, s3):
    """Content type and encoding come back as they were given."""
    put(storage, f"{s3.name}/lake/part.json.gz", b"x")
    with storage.open_input_stream(f"{s3.name}/lake/part.json.gz", compression=None) as source:
        headers = source.metadata()
    assert {name: headers[name] for name in PART} == {k: v.encode() for k, v in PART.items()}


def test_an_object_is_invisible_until_it_is_closed(storage, s3):
    """A reader sees an object whole or not at all.

    In one part or in several.
    """
    path = f"{s3.name}/lake/part.json.gz"
    with storage.open_output_stream(path, compression=None) as target:
        target.write(os.urandom(11 << 20))
        assert storage.get_file_info(path).type == pyarrow.fs.FileType.NotFound
    assert storage.get_file_info(path).size == 11 << 20


def test_the_server_copies(storage, s3):
    """A copy within the server has the same bytes."""
    put(storage, f"{s3.name}/lake/_incomplete/part", b"body")
    storage.copy_file(f"{s3.name}/lake/_incomplete/part", f"{s3.name}/lake/json/part")
    assert get(storage, f"{s3.name}/lake/json/part") == b"body"


def test_listing_finds_every_key_as_it_was_written(storage, s3):
    """Percent signs, spaces, plus signs and letters that differ by case only stay as they are."""
    names = ["symbol=BTC%2FUSDT", "interval=1M", "interval=1m", "a b", "x+y&z=1", "é~'!*"]
    for name in names:
        put(storage, f"{s3.name}/lake/{name}/part", b"x")
    found = storage.get_file_info(pyarrow.fs.FileSelector(f"{s3.name}/lake", recursive=True))
    assert {info.path for info in found if info.is_file} == {
        f"{s3.name}/lake/{name}/part" for name in names
    }


@pytest.mark.usefixtures("storage")
def test_a_wrong_key_is_refused(s3):
    """The server checks signatures, so credentials that do not arrive are noticed."""
    stranger = pyarrow.fs.S3FileSystem(
        endpoint_override=s3.endpoint_url, access_key=s3.access_key, secret_key="wrong"
    )
    with pytest.raises(OSError, match="ACCESS_DENIED"):
        stranger.get_file_info(f"{s3.name}/lake/part")


def test_deleting_through_pyarrow_harms_the_server(storage, s3):
    """pyarrow writes an empty object ``folder/`` after each delete (arrow#36275), rclone a file."""
    for name in ("first", "second"):
        put(storage, f"{s3.name}/lake/folder/{name}", b"x")
    with pytest.raises(OSError, match="creating key 'lake/folder/'"):
        storage.delete_file(f"{s3.name}/lake/folder/first")
    # Now the server takes the folder for a file, and what was in it is lost.
    assert storage.get_file_info(f"{s3.name}/lake/folder/second").type.name == "NotFound"


def test_a_delete_request_by_itself_is_harmless(storage, s3):
    """The same object deleted by a client that only deletes: its neighbour stays."""
    for name in ("first", "second"):
        put(storage, f"{s3.name}/lake/folder/{name}", b"x")
    client = s3.client()
    client.delete_object(Bucket=s3.name, Key="lake/folder/first")
    left = client.list_objects_v2(Bucket=s3.name)["Contents"]
    assert [found["Key"] for found in left] == ["lake/folder/second"]
    assert get(storage, f"{s3.name}/lake/folder/second") == b"x"
