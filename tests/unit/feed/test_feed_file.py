"""Whatever has the name of a feed file is opened, so nothing of it may block or fill the memory."""

from __future__ import annotations

import os

import pytest

from include.ticklake.errors import FeedFileError
from include.ticklake.feed import feed_file


def test_the_text_of_a_file_has_no_byte_order_mark_and_plain_line_ends(tmp_path):
    """As editors on Windows write them."""
    path = tmp_path / "small.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: \xc3\xa4\r")
    assert feed_file.read_text(path) == "a: 1\nb: ä\n"


def test_the_largest_file_is_read_and_no_byte_more(tmp_path):
    """Of a larger one only as much is read as shows that it is larger."""
    path = tmp_path / "small.yaml"
    path.write_bytes(b"#" * feed_file.MAX_FILE_BYTES)
    assert len(feed_file.read_bytes(path)) == feed_file.MAX_FILE_BYTES
    os.truncate(path, 1 << 40)  # a terabyte, of which the disk holds nothing
    with pytest.raises(FeedFileError, match=r"small\.yaml:1: larger than 4 MiB"):
        feed_file.read_bytes(path)


def test_a_pipe_that_nobody_writes_into_is_refused(tmp_path):
    """Opening it would wait; so would the reading of all DAGs."""
    path = tmp_path / "small.yaml"
    os.mkfifo(path)
    with pytest.raises(FeedFileError, match=r"small\.yaml:1: cannot be read: a pipe, a device"):
        feed_file.read_bytes(path)


def test_a_device_without_end_is_refused(tmp_path):
    """It would fill the memory."""
    path = tmp_path / "small.yaml"
    path.symlink_to("/dev/zero")
    with pytest.raises(FeedFileError, match=r"small\.yaml:1: cannot be read: a pipe, a device"):
        feed_file.read_bytes(path)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        pytest.param("small.yaml", "Too many levels of symbolic links", id="a link to itself"),
        pytest.param("missing", "No such file or directory", id="a link to nothing"),
        pytest.param(".", "Is a directory", id="a link to a folder"),
    ],
)
def test_a_link_to_no_file_is_refused(tmp_path, target, reason):
    """With the name of the link."""
    path = tmp_path / "small.yaml"
    path.symlink_to(target)
    with pytest.raises(FeedFileError, match=rf"small\.yaml:1: cannot be read: {reason}"):
        feed_file.read_bytes(path)


def test_bytes_that_are_not_utf_8_are_refused_with_their_line(tmp_path):
    """A database or a picture that is named as a feed file."""
    path = tmp_path / "small.yaml"
    path.write_bytes(b"a: 1\n\xff\xfe\x00")
    with pytest.raises(FeedFileError, match=r"small\.yaml:2: not UTF-8"):
        feed_file.read_text(path)
