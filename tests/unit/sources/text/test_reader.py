"""What readers of text share: the mark before UTF-8, and errors with a line."""

from __future__ import annotations

import pytest

from include.ticklake.errors import MalformedPageError
from include.ticklake.sources.text.reader import BOM, check_utf8, without_bom
from tests.unit.sources.text.test_csv_rows import pieces


@pytest.mark.parametrize("text", [b"", b"a", b"abcdef", BOM[:2], BOM + b"a"])
@pytest.mark.parametrize("sizes", [[], [1, 1, 1], [2]])
def test_only_a_whole_mark_at_the_start_is_left_out(text, sizes):
    """Wherever chunks end."""
    assert b"".join(without_bom(pieces(text, sizes))) == text.removeprefix(BOM)


def test_what_is_not_utf_8_has_its_line():
    """Counted from where the block begins."""
    check_utf8("é\n".encode(), first_line=7)
    with pytest.raises(MalformedPageError, match="invalid UTF-8 in line 8"):
        check_utf8(b"a\n\xe9\n", first_line=7)
