"""Watches commands for canaries: what they write, leave behind, and show while they run."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq

from include.ticklake.errors import TicklakeError
from include.ticklake.extract import extract
from include.ticklake.feed import loader, plan
from include.ticklake.lake.storage import Storage
from include.ticklake.model.window import parse_instant
from include.ticklake.sources import auth
from include.ticklake.sources.retries import SourceRetryPolicy
from include.ticklake.sources.sql import engines
from tests.conftest import REPOSITORY
from tests.support.spellings import SPELLINGS

USER, CANARY = "canary-user", "s3cr3t/Canary+42="
START, END = "2026-11-22T05:00:00Z", "2026-11-22T06:00:00Z"
CONNECTION = f"https://{USER}:{quote(CANARY, safe='')}@acme.example"

FEED = """
source:
  kind: http
  base_url: "{url}"
  path: /rows
  paging: {{kind: page, page_rows: 2}}
  errors: {{code: code, message: message, ok: ["0"]}}
  auth: {auth}
limits: {{max_wait_s: 0.1, read_timeout_s: 5, attempts: 1}}
fields:
  id: {{type: int64, key: true}}
  at: {{from: t, type: timestamp, unit: ms, event_time: true}}
"""
RECORDS = [{"id": 1, "t": 1_795_323_600_000}, {"id": 2, "t": 1_795_323_600_001}]


def spellings_of(secret: str) -> dict[str, str]:
    """Name -> how *secret* may be written, also together with its user."""
    pair = f"{USER}:{secret}"
    together = {f"{name} of the pair": SPELLINGS[name](pair) for name in ("base64", "quote")}
    return {name: spell(secret) for name, spell in SPELLINGS.items()} | together


class SecretWatch:
    """Runs commands, keeps what they showed, and looks at the process list while they run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shown = ""
        self.listed: set[str] = set()
        (folder / "feeds").mkdir()

    @property
    def root(self) -> str:
        return (self.folder / "lake").as_uri()

    def add_feed(self, text: str, *, name: str = "acme") -> None:
        (self.folder / "feeds" / f"{name}.yaml").write_text(text)

    def look(self) -> None:
        """Remember every argument of every process of now."""
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                self.listed.add(path.read_bytes().decode(errors="replace"))
            except OSError:  # it has ended
                continue

    def run(self, *arguments: str, **env: str) -> int:
        """Run a command of ours in a process of its own; its exit code."""
        done = subprocess.run(
            [sys.executable, "-m", "include.ticklake", "--verbose", *arguments],
            cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False,
            env=os.environ | {"TICKLAKE_FEEDS": str(self.folder / "feeds")} | env,
        )  # fmt: skip
        self.shown += done.stdout + done.stderr
        return done.returncode

    def extract(self, feed: str = "acme", **env: str) -> int:
        """Extract in a process of its own; its exit code."""
        return self.run("extract", feed, "--root", self.root, "--start", START, "--end", END, **env)

    def attempt(self, feed: str = "acme", env: Mapping[str, str] | None = None) -> bool:
        """Extract in this process, without waits; whether that went well."""
        env = {"AIRFLOW_CONN_ACME": CONNECTION} if env is None else env
        units = plan.plan_units(
            found := loader.read_feed(self.folder / "feeds" / f"{feed}.yaml"),
            start=parse_instant(START), end=parse_instant(END),
        )  # fmt: skip
        try:
            done = extract.extract(
                found,
                next(iter(units)),
                storage=Storage.open(self.root, {}),
                lookup=partial(auth.credentials_from_env, env=env),
                connect=partial(engines.engine_from_env, env=env),
                patience=SourceRetryPolicy(max_attempts=2, sleep=lambda _: None),
            )
        except TicklakeError as error:
            self.shown += f"{traceback.format_exc()}{error!r}{error.__cause__!r}"
            return False
        self.shown += f"{done!r}{done.summary()}"
        return True

    def everything(self) -> Iterator[tuple[str, str]]:
        """Where and what: outputs, arguments, names and contents of files."""
        yield "output", self.shown
        yield "process list", "\n".join(self.listed)
        for path in self.folder.rglob("*"):
            yield "a file's name", str(path)
            if path.is_file() and "feeds" not in path.parts:
                yield str(path), text_of(path)

    def found(self, secret: str = CANARY) -> list[str]:
        """Where *secret* shows, and in which spelling."""
        spellings = spellings_of(secret)
        return [
            f"{name} in {where}: {text[max(0, text.index(spelled) - 80) :][:200]}"
            for where, text in self.everything()
            for name, spelled in spellings.items()
            if spelled in text
        ]


def text_of(path: Path) -> str:
    """What is in a file, unpacked: a Parquet file's values and metadata, too."""
    if path.suffix == ".parquet":
        return f"{pq.read_table(path).to_pylist()}{pq.read_metadata(path).metadata}"
    body = path.read_bytes()
    body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    return body.decode(errors="replace")
