"""Objects as files below one folder of a local disk, or of one that is mounted.

Nothing is written at its own key: a file is written under ``_incomplete/`` and renamed when
it is whole.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyarrow import fs

from include.ticklake.lake import layout


class LocalDisk:
    """The files below *folder*; keys are relative to it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._files = fs.LocalFileSystem()

    def read(self, key: str) -> bytes:
        """The whole file; ``FileNotFoundError`` where there is none."""
        with self.open_input(key) as stream:
            body: bytes = stream.read()
        return body

    def exists(self, key: str) -> bool:
        """Whether there is a file at *key*."""
        return Path(self._path(key)).is_file()

    def open_input(self, key: str) -> Any:  # noqa: ANN401 - pyarrow ships no types
        """A forward-only stream over the file's bytes."""
        return self._files.open_input_stream(self._path(key), compression=None)

    def open_file(self, key: str) -> Any:  # noqa: ANN401
        """A seekable file."""
        return self._files.open_input_file(self._path(key))

    def open_output(self, key: str, *, metadata: Mapping[str, str]) -> Any:  # noqa: ANN401
        """A stream to *key* itself; files have no metadata."""
        del metadata
        self._make_folder(key)
        return self._files.open_output_stream(self._path(key), compression=None)

    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str]) -> None:
        """Publish *body* at *key* by a rename; remove what a killed process left of it."""
        prefix = f"{layout.incomplete(key)}."
        partial = f"{prefix}{uuid.uuid4().hex}"
        with self.open_output(partial, metadata=metadata) as stream:
            stream.write(body)
        self.move(partial, key)
        for leftover in self.sizes(prefix.rpartition("/")[0]):
            if leftover.startswith(prefix):
                self.delete(leftover)

    def move(self, source: str, target: str) -> None:
        """Rename *source* to *target*, in place of what was there."""
        self._make_folder(target)
        Path(self._path(source)).replace(self._path(target))

    def copy(self, source: str, target: str) -> None:
        """The bytes of *source* at *target* as well; ``FileNotFoundError`` where there are none."""
        if not self.exists(source):
            raise FileNotFoundError(source)
        self._make_folder(target)
        self._files.copy_file(self._path(source), self._path(target))

    def delete(self, key: str) -> None:
        """Delete the file; do nothing where there is none."""
        Path(self._path(key)).unlink(missing_ok=True)

    def sizes(self, prefix: str) -> dict[str, int]:
        """The keys below the folder *prefix*, sorted, and the bytes of each file."""
        selector = fs.FileSelector(self._path(prefix), allow_not_found=True, recursive=True)
        files = [info for info in self._files.get_file_info(selector) if info.is_file]
        files.sort(key=lambda info: info.path)
        return {info.path.removeprefix(f"{self._folder}/"): info.size for info in files}

    def folders(self, prefix: str) -> list[str]:
        """The names of the folders right below the folder *prefix*, sorted."""
        selector = fs.FileSelector(self._path(prefix), allow_not_found=True)
        entries = self._files.get_file_info(selector)
        return sorted(info.base_name for info in entries if not info.is_file)

    def arrow_file_system(self) -> fs.FileSystem:
        """The same files for ``pyarrow.dataset``."""
        return fs.SubTreeFileSystem(self._folder, self._files)

    def _path(self, key: str) -> str:
        return f"{self._folder}/{key}" if key else self._folder

    def _make_folder(self, key: str) -> None:
        Path(self._path(key)).parent.mkdir(parents=True, exist_ok=True)
