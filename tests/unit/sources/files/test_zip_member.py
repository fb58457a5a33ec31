"""The one file of an archive comes out as it went in, or the error says what is wrong with it."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.sources.files.zip_member import unpack_zip
from tests.unit.sources.text.test_csv_rows import SIZES, pieces

TEXT = b"id,price\n1,2.50\n" * 40


class Unseekable(io.BytesIO):
    """Where a zip cannot go back: its sizes come behind the data."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise io.UnsupportedOperation


def packed(
    files: Mapping[str, bytes],
    *,
    method: int = zipfile.ZIP_DEFLATED,
    is_streamed: bool = False,
    comment: bytes = b"",
) -> bytes:
    out = Unseekable() if is_streamed else io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text, method)
        archive.comment = comment
    return out.getvalue()


def unpacked(data: bytes, sizes=()) -> bytes:
    return b"".join(unpack_zip(pieces(data, sizes)))


@given(text=st.binary(max_size=300), sizes=SIZES, is_streamed=st.booleans())
def test_the_file_comes_out_wherever_chunks_end(text, sizes, is_streamed):
    """Whether its size is before it or behind it."""
    assert unpacked(packed({"a.csv": text}, is_streamed=is_streamed), sizes) == text


def test_folders_and_stored_files_are_read():
    """A folder is not a file, and a file need not be packed."""
    assert unpacked(packed({"a/": b"", "a/a.csv": TEXT}, method=zipfile.ZIP_STORED)) == TEXT


@given(data=st.data())
def test_a_cut_is_an_error_wherever_it_is(data):
    """In the file, in the table that lists it, or in the end behind the table."""
    archive = packed({"a/": b"", "a/a.csv": TEXT}, comment=b"as PK\x05\x06 of 2026")
    at = data.draw(st.integers(1, len(archive) - 1))
    with pytest.raises(MalformedPageError, match="ends early"):
        unpacked(archive[:at])


def test_padding_and_a_comment_may_follow():
    """Whatever signs the comment has."""
    for comment in (b"", b"made by PK\x05\x06", b"x" * 65_535):
        archive = packed({"a.csv": TEXT}, comment=comment)
        assert unpacked(archive + b"\0" * 600, [1000] * 20) == TEXT


@pytest.mark.parametrize(
    "more", [b"garbage", packed({"b.csv": TEXT}), packed({}), b"PK\x05\x06 and no end"]
)
def test_what_follows_the_archive_is_an_error(more):
    """Its records would be missed by nobody."""
    with pytest.raises(MalformedPageError, match="something follows it"):
        unpacked(packed({"a.csv": TEXT}) + more)


def test_a_table_of_more_files_than_came_is_an_error():
    """A part of the archive may have been cut out of its middle."""
    archive = bytearray(packed({"a.csv": TEXT}))
    at = archive.rindex(b"PK\x05\x06")
    archive[at + 10] = 2
    with pytest.raises(MalformedPageError, match="does not end with a table"):
        unpacked(bytes(archive))


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_file_may_be_written_as_one_that_is_large(is_streamed):
    """With sizes of 64 bits, as what is streamed has."""
    out = Unseekable() if is_streamed else io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.csv", "w", force_zip64=True) as file,
    ):
        file.write(TEXT)
    assert unpacked(out.getvalue()) == TEXT


def test_the_table_may_be_written_as_one_that_is_large():
    """Its place and size are then elsewhere, between it and the end."""
    archive = packed({"a.csv": TEXT})
    at, table = archive.rindex(b"PK\x05\x06"), archive.index(b"PK\x01\x02")
    large = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, at - table, table)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, at, 1)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0)
    for last in (end, archive[at:]):
        assert unpacked(archive[:at] + large + locator + last) == TEXT


def test_a_second_file_is_refused():
    """Nobody said which one is meant, and both are not one."""
    with pytest.raises(SourceRefusedError, match=r"a second file, 'b.csv' after 'a.csv'"):
        unpacked(packed({"a.csv": TEXT, "b.csv": TEXT}))


def test_no_file_is_refused():
    """An empty archive says nothing of records."""
    with pytest.raises(SourceRefusedError, match="no file in it"):
        unpacked(packed({}))


def test_damage_is_an_error():
    """Where the bytes do not add up to the archive's own checksum."""
    archive = packed({"a.csv": TEXT}, method=zipfile.ZIP_STORED)
    at = archive.index(TEXT)
    with pytest.raises(MalformedPageError, match="damaged: CRC32IntegrityError"):
        unpacked(archive[:at] + b"X" + archive[at + 1 :])


def test_an_encrypted_file_is_refused():
    """With what is wrong, not with noise as records."""
    archive = bytearray(packed({"a.csv": TEXT}))
    archive[6] |= 1
    with pytest.raises(SourceRefusedError, match="encrypted"):
        unpacked(bytes(archive))
