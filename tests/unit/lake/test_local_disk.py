"""What a local disk needs: a rename publishes, and a killed process leaves nothing for readers."""

from __future__ import annotations

from pathlib import Path

from include.ticklake.lake import layout
from include.ticklake.lake.storage import Storage


def test_what_a_killed_process_left_of_an_object_goes_with_the_next_put(tmp_path):
    """It was under ``_incomplete/``, where no reader looks; other objects' leftovers stay."""
    storage = Storage.open(f"file://{tmp_path}", {})
    for key in ("a/manifest.json", "a/other.json"):
        with storage.open_output(f"{layout.incomplete(key)}.0123") as stream:
            stream.write(b"half of")
    storage.put("a/manifest.json", b"whole")
    assert list(storage.list("")) == [
        f"{layout.incomplete('a/other.json')}.0123",
        "a/manifest.json",
    ]


def test_a_path_of_the_disk_is_the_key_below_the_root(tmp_path):
    """For programs that read files."""
    storage = Storage.open(f"file://{tmp_path}", {})
    storage.put("a/b", b"1")
    assert Path(storage.local_path("a/b")).read_bytes() == b"1"
