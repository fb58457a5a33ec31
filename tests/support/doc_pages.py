"""Pages of docs/ as what they show: blocks of code, run one after the other in one process."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.model_options import options
from tests.conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
RUN = ("sh", "python", "sql")
YAML = ("yaml", "yml")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SAVED = re.compile(r"[Ss]ave this as `([^`]+)`[^`\n]*:\n\n$")
_OUTSIDE = re.compile(
    r"(?:^|[|&;(] *)(?:pip3?|uv|make|docker|kubectl|helm|kind|astro|sudo|apt-get|apt) ",
    re.MULTILINE,
)
"""Programs that would change the environment of the tests, or the machine."""
_END = "END_OF_BLOCK"
_MARK = "\x1e"


@dataclass(frozen=True, slots=True)
class PageBlock:
    """One fenced block of a page."""

    page: str
    line: int
    kind: str
    text: str
    saved: str | None = None
    """The file that the page says to save it as."""
    follows: bool = False
    """Whether it comes right after the block before: an output after its command."""

    @property
    def first_line(self) -> str:
        return self.text.partition("\n")[0]


def blocks(page: Path) -> list[PageBlock]:
    """Every block of *page*, in order."""
    text, shown, end = page.read_text(encoding="utf-8"), [], -1
    name = page.relative_to(REPOSITORY).as_posix()
    for block in _BLOCK.finditer(text):
        saved = _SAVED.search(text, 0, block.start())
        line = text.count("\n", 0, block.start()) + 1
        follows = end >= 0 and not text[end : block.start()].strip()
        shown.append(
            PageBlock(name, line, block[1], block[2], saved[1] if saved else None, follows)
        )
        end = block.end()
    return shown


def run(page_blocks: Sequence[PageBlock], *, folder: Path, replace: Iterable[tuple[str, str]],
        env: dict[str, str]) -> dict[int, str]:  # fmt: skip
    """What each block prints, by its line; all are run in one shell, which must end well."""
    outside = [block for block in page_blocks if _OUTSIDE.search(block.text) and not block.saved]
    assert not outside, f"would change this machine: {outside}"
    script = ["set -euo pipefail"]
    for is_python, group in itertools.groupby(page_blocks, key=_is_python):
        if is_python:  # one process for neighbours: each start costs seconds of imports
            script += [f"python - <<'{_END}'", *map(_python, group), _END]
            continue
        for block in group:
            script += [f"printf '{_MARK}{block.line}\\n'", *_shell(block)]
    text = "\n".join(script)
    for old, new in replace:
        text = text.replace(old, new)
    done = subprocess.run(
        ["bash", "-c", text], cwd=folder, env=_environment(env), capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    said = dict(part.split("\n", 1) for part in done.stdout.split(_MARK)[1:])
    assert done.returncode == 0, f"after line {list(said)[-1]}:\n{done.stdout}\n{done.stderr}"
    return {int(line): output for line, output in said.items()}


def _is_python(block: PageBlock) -> bool:
    return block.kind in ("python", "sql") and not block.saved


def _python(block: PageBlock) -> str:
    """The lines of a program that run the block, with a mark before what it prints."""
    code = block.text.rstrip("\n")
    if block.kind == "sql":
        code = f'import duckdb\nprint(duckdb.sql("""{code.rstrip(";")}"""))'
    return f'print("\\x1e{block.line}", flush=True)\n{code}'


def _shell(block: PageBlock) -> Iterable[str]:
    """The lines of a shell that run the block, or save it."""
    if not block.saved:
        return [block.text.rstrip("\n")]
    return [f"mkdir -p $(dirname {block.saved})", f"cat >{block.saved} <<'{_END}'",
            block.text.rstrip("\n"), _END]  # fmt: skip


def _environment(env: dict[str, str]) -> dict[str, str]:
    """The test's own, without its settings, with this Python first."""
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TICKLAKE_", "AIRFLOW_"))
    }
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return plain | {"PATH": path, "PYTHONPATH": str(REPOSITORY)} | env


def pattern(shown: str) -> re.Pattern[str]:
    """What is shown of an output; ``...`` is any text, and blanks are any number of them."""
    lines = [
        r"[^\n]*".join(re.escape(part) for part in re.sub(" +", " ", line).split("..."))
        for line in shown.splitlines()
    ]
    return re.compile("".join(rf"{line}\n" if line != r"[^\n]*" else r"(?s:.*)" for line in lines))


ANY_API = {"kind": "http", "base_url": "https://api.example.com", "path": "/v1/{symbol}"}
"""A source to which keys of a source are added."""


def check_feed(text: str) -> None:
    """Raise unless *text* is a feed file, or keys of one: of it, its source, or its fields."""
    keys = yaml.safe_load(textwrap.dedent(text))
    if "into" in keys:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "page.yaml"
            file.write_text(textwrap.dedent(text), encoding="utf-8")
            loader.read_feed(file)
        return
    base = yaml.safe_load((loader.SHIPPED / "binance_agg_trades.yaml").read_text(encoding="utf-8"))
    names = {name for name, _ in options(Feed)}
    if keys.keys() <= HttpSource.model_fields.keys():
        keys = {"source": ANY_API | keys, **{name: base[name] for name in ("slices", "fields")}}
    if not keys.keys() & names:
        keys = {"fields": base["fields"] | keys}
        for other in set(keys["fields"]) - set(base["fields"]):
            keys["fields"][other].pop("event_time", None)
    Feed.model_validate({"name": "page"} | (keys if "source" in keys else base | keys))
