"""A lake of one feed of files, used by the command line, and files with checksums on a server."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import yaml

from tests.support.cli_process import CommandResult, environment, run
from tests.support.file_feeds import DAY, FIELDS
from tests.support.servers.http import HttpServer

PATH = "/trades/X-2024-12-31.zip"
NAMES = {"columns": ["id", "price", "at"]}
ZIPPED = {
    "kind": "files",
    "address": "https://data.example.com/trades/{symbol}-{date}.zip",
    "checksum": "{address}.CHECKSUM",
    **NAMES,
}


class FilesLake:
    """A lake of one feed of files, used by the command line."""

    def __init__(
        self,
        folder: Path,
        server: HttpServer | None,
        source: dict[str, object],
        *,
        window: str = "1d",
    ) -> None:
        self.root, self._server = f"file://{folder}/lake", server
        self._file = folder / "feeds/bulk.yaml"
        self._file.parent.mkdir()
        described: dict[str, object] = {"source": source, "window": window, "fields": FIELDS}
        if "{symbol}" in str(source["address"]):
            described["slices"] = {"symbol": ["X"]}
        self._file.write_text(yaml.dump(described))
        self.env = environment(TICKLAKE_FEEDS=str(folder / "feeds"))

    def describe(self, **changes: object) -> None:
        """Change the feed's file."""
        self._file.write_text(yaml.dump(yaml.safe_load(self._file.read_text()) | changes))

    def command(self, *argv: str, days: int = 1) -> CommandResult:
        """Run a command over the first *days* days."""
        end = DAY.start + timedelta(days=days)
        base = ["--base-url", self._server.url] if argv[0] == "extract" and self._server else []
        return run(
            *argv, "--start", f"{DAY.start:%Y-%m-%d}", "--end", f"{end:%Y-%m-%d}",
            "--root", self.root, *base, env=self.env,
        )  # fmt: skip

    def done(self, *argv: str, days: int = 1) -> list[dict[str, object]]:
        """The results of a command that succeeds."""
        ended = self.command(*argv, days=days)
        assert ended.exit_code == 0, ended.err
        return [json.loads(line) for line in ended.out.splitlines()]

    def rows(self, *more: str) -> list[dict[str, object]]:
        """The rows of the lake by id, with *more* columns than those of ``FIELDS``."""
        import duckdb

        files = f"{self.root.removeprefix('file://')}/parquet/bulk/**/*.parquet"
        columns = ", ".join(("id", "price", 'epoch_us("at") AS at_us', *more))
        found = duckdb.sql(f"SELECT {columns} FROM read_parquet('{files}') ORDER BY id")
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def publish(server: HttpServer, path: str, body: bytes, *, checksum: str | None = None) -> None:
    """Serve *body* with the checksum beside it, of its own bytes by default."""
    server.answer(path, body)
    digest = checksum or hashlib.sha256(body).hexdigest()
    server.answer(f"{path}.CHECKSUM", f"{digest}  {path.rpartition('/')[2]}\n".encode())
