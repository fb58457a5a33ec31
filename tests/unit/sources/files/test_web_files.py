"""A download that breaks goes on where it broke, with the same file or not at all."""

from __future__ import annotations

import hashlib

import pytest

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.sources.auth import Credentials
from include.ticklake.sources.deadline import UnitDeadline
from include.ticklake.sources.files.web_files import WebFiles
from include.ticklake.sources.retries import SourceRetryPolicy
from include.ticklake.sources.source import SourceContext
from tests.support.file_feeds import ServedFile, feed
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply

PATH = "/data/a.csv"
BODY = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(100_000))
ADDRESS = f"https://data.example.com{PATH}"


@pytest.fixture
def download(http_server: HttpServer):
    """A function that returns the bytes of the file at ``PATH`` of the server."""

    def whole(*, attempts: int = 3, **source: object) -> bytes:
        described = feed("https://data.example.com/data/{date}.csv", source=source)
        context = SourceContext(
            get_credentials=lambda _: Credentials(user="me", secret="hidden-pass"),
            connect=lambda _: None,
            base_url=http_server.url,
            retry_policy=SourceRetryPolicy(max_attempts=attempts, sleep=lambda _: None),
        )
        deadline = UnitDeadline(described.limits)
        files = WebFiles(described, described.source, context, deadline)
        try:
            return b"".join(files.chunks(ADDRESS))
        finally:
            files.close()

    return whole


def test_the_rest_is_requested_where_a_download_breaks(http_server, download):
    """Not what came already."""
    served = ServedFile(body=BODY, breaks=[1_000_000, 1_500_000])
    http_server.answer_by(PATH, served)
    assert download() == BODY
    assert served.ranges == ["", "bytes=1000000-", "bytes=2500000-"]


@pytest.mark.parametrize("served", [
    ServedFile(body=BODY, breaks=[1_000_000], has_ranges=False),
    ServedFile(body=BODY, breaks=[1_000_000], tag=""),
    ServedFile(body=BODY, breaks=[1_000_000], tag='W/"1"'),
], ids=["no-ranges", "no-tag", "weak-tag"])  # fmt: skip
def test_without_ranges_it_starts_over_and_drops_what_is_known(http_server, download, served):
    """If that is the same again."""
    http_server.answer_by(PATH, served)
    assert download() == BODY
    assert len(served.ranges) == 2


@pytest.mark.parametrize("has_ranges", [True, False])
def test_a_file_that_was_replaced_is_an_error(http_server, download, has_ranges):
    """The two would be no file that ever was."""
    old = ServedFile(body=BODY, breaks=[1_000_000])
    new = ServedFile(body=b"X" + BODY[1:], tag='"2"', has_ranges=has_ranges)
    answers = [old, new, new, new]
    http_server.answer_by(PATH, lambda request: answers.pop(0)(request))
    with pytest.raises(MalformedPageError, match="was replaced while it was downloaded"):
        download()


def test_a_file_that_became_shorter_is_an_error(http_server, download):
    """Less is never taken for the whole."""
    old = ServedFile(body=BODY, breaks=[1_000_000])
    new = ServedFile(body=BODY[:500], tag='"2"')
    answers = [old, new, new, new]
    http_server.answer_by(PATH, lambda request: answers.pop(0)(request))
    with pytest.raises(MalformedPageError, match="was replaced"):
        download()


def test_another_part_than_the_requested_one_is_an_error(http_server, download):
    """Some servers answer with a range of their own."""

    def answer(request: ReceivedRequest) -> Reply:
        if "range" not in request.headers:
            return Reply(body=BODY, headers={"ETag": '"1"'}, cut_after_bytes=100)
        headers = {"ETag": '"1"', "Content-Range": f"bytes 0-9/{len(BODY)}"}
        return Reply(body=BODY[:10], status=206, headers=headers)

    http_server.answer_by(PATH, answer)
    with pytest.raises(MalformedPageError, match="another part of the file"):
        download(attempts=2)


def test_a_part_that_ends_before_the_file_is_an_error(http_server, download):
    """Of CSV nobody would see that the rest is missing."""
    headers = {"ETag": '"1"', "Content-Range": f"bytes 0-99/{len(BODY)}"}
    http_server.answer(PATH, BODY[:100], status=206, headers=headers)
    with pytest.raises(MalformedPageError, match=rf"{PATH}: another part of the file"):
        download()


@pytest.mark.parametrize(
    "part",
    [
        Reply(body=b"", status=416, headers={"Content-Range": f"bytes */{len(BODY)}"}),
        Reply(
            body=BODY[100:200],
            status=206,
            headers={"ETag": '"1"', "Content-Range": f"bytes 100-199/{len(BODY)}"},
        ),
    ],
    ids=["no-rest", "not-all-of-it"],
)
def test_a_server_without_the_rest_gives_the_file_from_its_start(http_server, download, part):
    """Rather than the same answer to each attempt."""

    def answer(request: ReceivedRequest) -> Reply:
        if "range" in request.headers:
            return part
        first = len(http_server.asked) == 1
        return Reply(body=BODY, headers={"ETag": '"1"'}, cut_after_bytes=100 if first else None)

    http_server.answer_by(PATH, answer)
    assert download() == BODY
    assert ["range" in asked.headers for asked in http_server.asked] == [False, True, False]


def test_attempts_end_where_nothing_comes(http_server, download):
    """As many as the policy allows; one that gave a mebibyte does not count."""
    served = ServedFile(body=BODY, breaks=[1_100_000] + [10] * 10)
    http_server.answer_by(PATH, served)
    with pytest.raises(MalformedPageError, match="2 tries"):
        download(attempts=2)
    assert len(served.ranges) == 4


def test_a_large_file_may_break_more_often_than_there_are_attempts(http_server, download):
    """As long as each attempt gets further."""
    served = ServedFile(body=BODY, breaks=[1_050_000, 1_050_000])
    http_server.answer_by(PATH, served)
    assert download(attempts=1) == BODY


def test_bytes_come_as_they_are_stored(http_server, download):
    """Not unpacked because a header says how they are packed: checksums are of what is stored."""
    http_server.answer(PATH, b"\x1f\x8bstored", headers={"Content-Encoding": "gzip"})
    assert download() == b"\x1f\x8bstored"
    assert http_server.asked[0].headers["accept-encoding"] == "identity"


def test_a_missing_file_has_its_status(http_server, download):
    """What that means is the feed's to say."""
    http_server.answer(PATH, b"no such key", status=404)
    with pytest.raises(SourceRefusedError, match="HTTP 404") as refused:
        download()
    assert refused.value.status == 404


def test_a_redirect_to_another_host_is_refused(http_server, download):
    """As for APIs: a feed allows its own host."""
    location = {"Location": "http://169.254.169.254/latest"}
    http_server.answer(PATH, b"", status=302, headers=location)
    with pytest.raises(SourceRefusedError, match="another host or port"):
        download()


def test_logins_go_with_each_request_and_into_no_message(http_server, download):
    """Also with the one for the rest."""
    served = ServedFile(body=BODY, breaks=[10, 0, 0])
    http_server.answer_by(PATH, served)
    with pytest.raises(MalformedPageError) as error:
        download(attempts=2, auth={"kind": "bearer", "connection": "files"})
    assert "hidden-pass" not in str(error.value)
    assert {asked.headers["authorization"] for asked in http_server.asked} == {"Bearer hidden-pass"}
