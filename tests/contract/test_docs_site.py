"""The site of docs/: it builds without a warning, and a reader's browser asks no other host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

_LOADED = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*?\s(?:src|href)=\"?(\w+:)?//[^>]*>")
_LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_NAMED = r"\bdocs/[a-zA-Z0-9_./-]+\.(md|png|ipynb)\b"
# But for tests that name pages of their own, or some that other checks look for.
_SEARCHED = (".", ":!tests/tools/test_case_check.py", ":!tests/contract/test_docs_blocks.py")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """What ``make docs`` does, into another folder."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--config-file", config, "--site-dir", site],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    done = build(REPOSITORY / "mkdocs.yml", folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_no_page_loads_anything_from_another_host(site):
    """No font, script, style or image, and nothing that makes the theme fetch one."""
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    assert len(pages) > 60
    for path, text in pages.items():
        assert not _LOADED.search(text), (path, _LOADED.search(text))
        assert 'class="mermaid"' not in text, path
    for style in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import )[\"']?(?:https?:)?//", style.read_text()), style


def test_every_decision_is_in_the_list(site):
    """The list is made when the site is built."""
    listed = (site / "decisions" / "index.html").read_text(encoding="utf-8")
    names = [path.stem for path in (REPOSITORY / "docs" / "decisions").glob("0*.md")]
    assert [name for name in names if f'href="{name}.html"' not in listed] == []


def test_a_broken_link_and_a_broken_anchor_fail(tmp_path):
    """With the settings of the real site."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# One\n\n[a](gone.md) [b](#gone)\n")
    config = f"INHERIT: {REPOSITORY}/mkdocs.yml\ndocs_dir: docs\nnav: [index.md]\nhooks: []\n"
    (tmp_path / "mkdocs.yml").write_text(config)
    done = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert done.returncode != 0
    assert "gone.md" in done.stderr
    assert "#gone" in done.stderr


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_the_first_pages_lead_somewhere(name):
    """The site has its own check; these pages are outside of it."""
    text = _FENCED.sub("", (REPOSITORY / name).read_text(encoding="utf-8"))
    for path, anchor in _LINK.findall(text):
        target = REPOSITORY / (path or name)
        assert target.exists(), path
        if anchor:
            assert anchor in anchors(target), f"{path}#{anchor}"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    titles = (re.sub(r"[^\w\- ]", "", title.lower()).strip() for title in _HEADING.findall(text))
    return {title.replace(" ", "-") for title in titles}


def test_every_page_that_a_file_names_exists():
    """In code, comments, settings and tests, as in the pages themselves."""
    named = subprocess.run(
        ["git", "-c", "safe.directory=*", "grep", "-noIE", _NAMED, "--", *_SEARCHED],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    gone = [line for line in named.splitlines() if not (REPOSITORY / line.split(":")[2]).exists()]
    assert gone == []
    assert len(named.splitlines()) > 30
