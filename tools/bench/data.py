"""A number of trades in, the same records staged and as NDJSON out, in one folder."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from include.ticklake.lake import manifest
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from tools import trades


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Staged trades of one window, and a copy as lines."""

    storage: Storage
    committed: Manifest
    lines: Path

    @property
    def parts(self) -> list[str]:
        """The paths of the staged parts."""
        return [self.storage.local_path(part.key) for part in self.committed.json.parts]

    @property
    def ours(self) -> dict[str, object]:
        """The options of our own conversion."""
        return {
            "feed": self.committed.feed,
            "key": self.committed.key,
            "root": self.storage.root_uri,
        }


def stage(folder: Path, rows: int, *, us_per_row: float = 350.0, is_mixed: bool = False) -> Data:
    """Lifelike trades below *folder*; within an hour, so not many millions."""
    folder.mkdir(parents=True, exist_ok=True)
    storage = Storage.open(folder.as_uri(), {})
    committed = trades.stage(storage, rows=rows, us_per_row=us_per_row, is_mixed=is_mixed)
    data = Data(storage=storage, committed=committed, lines=folder / "trades.ndjson")
    with data.lines.open("wb") as lines:
        for path in data.parts:
            text = gzip.decompress(Path(path).read_bytes())
            lines.write(text.removeprefix(b"[").removesuffix(b"]\n").replace(b",\n", b"\n"))
    return data


def repeated(committed: Manifest, times: int, *, storage: Storage) -> Manifest:
    """The parts of *committed*, whose records are of one instant, again and again."""
    staged = committed.json
    parts = msgspec.structs.replace(
        staged, parts=staged.parts * times, received_rows=staged.received_rows * times
    )
    many = msgspec.structs.replace(committed, json=parts, parquet=None)
    manifest.write(many, storage=storage, expect=storage.version(many.key))
    return many


def copied(lines: Path, target: Path, times: int) -> Path:
    """The *lines* again and again."""
    with target.open("wb") as copy:
        for _ in range(times):
            with lines.open("rb") as source:
                shutil.copyfileobj(source, copy, 2**20)
    return target


def sizes(folder: Path) -> Mapping[str, int]:
    """The bytes of Parquet below *folder*, by name of what lies directly in it."""
    return {
        below.name: sum(path.stat().st_size for path in _files(below)) for below in folder.iterdir()
    }


def _files(below: Path) -> list[Path]:
    return [below] if below.is_file() else list(below.rglob("*.parquet"))
