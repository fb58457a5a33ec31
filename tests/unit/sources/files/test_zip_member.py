"""The one file of an archive comes out as it went in, or the error says what is wrong with it."""

from __future__ import annotations

import io
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
    files: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED, is_streamed: bool = False
) -> bytes:
    out = Unseekable() if is_streamed else io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text, method)
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
    """As long as anything of the file, or what says that there is no other, is missing."""
    archive = packed({"a.csv": TEXT})
    contents = archive.index(b"PK\x01\x02") + 4
    at = data.draw(st.integers(1, contents - 1))
    with pytest.raises(MalformedPageError, match="ends early"):
        unpacked(archive[:at])


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
