"""A file system that counts what is read of it: the reader's own metrics."""

from __future__ import annotations

import io
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs

from include.ticklake.lake.storage import Storage


class CountingFile:
    """A local file for reading; adds the bytes of each read to *counts* under its path."""

    def __init__(self, path: str, counts: Counter[str]) -> None:
        self._path = Path(path)
        self._counts = counts
        self._position = 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        with self._path.open("rb") as file:  # pyarrow does not always close what it was given
            file.seek(self._position)
            found = file.read(size)
        self._position += len(found)
        self._counts[str(self._path)] += len(found)
        return found

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}
        self._position = origin.get(whence, self._path.stat().st_size) + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        self.closed = True


class CountingHandler(fs.FileSystemHandler):
    """Reads local files through ``CountingFile``; everything else is refused."""

    def __init__(self, counts: Counter[str]) -> None:
        self._local = fs.LocalFileSystem()
        self._counts = counts

    def get_type_name(self):
        return "counting"

    def normalize_path(self, path):
        return path

    def get_file_info(self, paths):
        return self._local.get_file_info(paths)

    def get_file_info_selector(self, selector):
        return self._local.get_file_info(selector)

    def open_input_file(self, path):
        return pa.PythonFile(CountingFile(path, self._counts), mode="r")

    def open_input_stream(self, path):
        return self._local.open_input_stream(path)

    def _refuse(self, *_args, **_options):
        raise io.UnsupportedOperation("only for reading")

    create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = _refuse
    delete_file = move = copy_file = open_output_stream = open_append_stream = _refuse


class CountingStore:
    """The operations of *store*, on disk; what is read by random access is counted."""

    def __init__(self, store: Any, folder: str, counts: Counter[str]) -> None:
        self._store, self._folder, self._counts = store, folder, counts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def open_file(self, key: str) -> Any:
        return pa.PythonFile(CountingFile(f"{self._folder}/{key}", self._counts), mode="r")

    def arrow_file_system(self) -> fs.FileSystem:
        return fs.SubTreeFileSystem(self._folder, fs.PyFileSystem(CountingHandler(self._counts)))


def counted(storage: Storage) -> tuple[Storage, Counter[str]]:
    """*storage*, on disk, whose random reads are counted by path, in bytes."""
    counts: Counter[str] = Counter()
    folder = storage.root_uri.removeprefix("file://")
    return replace(storage, store=CountingStore(storage.store, folder, counts)), counts
