"""The objects of a store as a file system of pyarrow, which reads datasets through it."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
from pyarrow import fs

from include.ticklake.lake.object_store import BucketStore


def arrow_file_system(store: BucketStore) -> fs.FileSystem:
    """A file system whose paths are the keys of *store*."""
    return fs.PyFileSystem(BucketHandler(store))


class BucketHandler(fs.FileSystemHandler):  # type: ignore[misc]  # pyarrow ships no types
    """Reading and listing; whatever would change an object is refused."""

    def __init__(self, store: BucketStore) -> None:
        self._store = store

    def get_type_name(self) -> str:
        """The name that pyarrow shows."""
        return "ticklake"

    def normalize_path(self, path: str) -> str:
        """Keys are normal as they are."""
        return path

    def get_file_info(self, paths: list[str]) -> list[Any]:
        """What is at each of *paths*: a file, a folder, or nothing."""
        return [fs.FileInfo(path, self._type_of(path)) for path in paths]

    def get_file_info_selector(self, selector: Any) -> list[Any]:  # noqa: ANN401
        """The files below the selector's folder."""
        infos = self._store.infos(selector.base_dir)
        return [fs.FileInfo(key, fs.FileType.File, size=info.bytes) for key, info in infos.items()]

    def _type_of(self, path: str) -> Any:  # noqa: ANN401
        if self._store.exists(path):
            return fs.FileType.File
        is_folder = self._store.folders(path) or self._store.infos(path)
        return fs.FileType.Directory if is_folder else fs.FileType.NotFound

    def open_input_file(self, path: str) -> Any:  # noqa: ANN401
        """A seekable file."""
        return pa.PythonFile(self._store.open_file(path), mode="r")

    def open_input_stream(self, path: str) -> Any:  # noqa: ANN401
        """A stream."""
        return pa.PythonFile(self._store.open_input(path), mode="r")

    def _refuse(self, *_args: object, **_options: object) -> Any:  # noqa: ANN401
        raise io.UnsupportedOperation(
            "a lake's files are only read this way; write through Storage"
        )

    create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = _refuse
    delete_file = move = copy_file = open_output_stream = open_append_stream = _refuse
