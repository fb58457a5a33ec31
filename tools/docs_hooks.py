"""What ``make docs`` adds to the pages of ``docs/`` while MkDocs builds the site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

DECISIONS = "decisions/index.md"
_TITLE = re.compile(r"^# (\d+)\. (.+)$", re.MULTILINE)


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: object) -> str:  # noqa: ANN401
    """The page's text; the list of decisions has every file of its folder, newest first."""
    if page.file.src_uri != DECISIONS:
        return markdown
    return f"{markdown}\n{decision_list(Path(config['docs_dir']) / 'decisions')}"


def decision_list(folder: Path) -> str:
    """A line of Markdown per decision in *folder*, by the title in its file."""
    titles = {
        path.name: _TITLE.search(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("0*.md"), reverse=True)
    }
    return "\n".join(
        f"* {title[1]}. [{title[2]}]({name})" for name, title in titles.items() if title
    )
