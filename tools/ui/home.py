"""The folder that ``make ui`` works in: ``build/ui``, or what ``UI_HOME`` names.

``lake/`` is made again by every start. ``feeds/`` is yours: files that you add there stay.
Everything else, Airflow's database and the password among it, goes when ``make ui`` ends.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.local.airflow import REPOSITORY
from tools.ui.ui_error import UiError

MARKER = ".ticklake-ui"
"""The file that says a folder may be emptied by us; it is the lock of the one that runs, too."""


def folder(env: Mapping[str, str]) -> Path:
    """The folder that *env* chooses."""
    return (REPOSITORY / (env.get("UI_HOME") or "build/ui")).resolve()


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold *home*, emptied of what an earlier start left, while the block runs.

    Raises ``UiError`` where it is another program's, or another ``make ui`` runs in it.
    """
    if home.is_dir() and any(home.iterdir()) and not (home / MARKER).exists():
        raise UiError(
            f"{home}: is not empty and was not created by make ui; "
            "nothing was changed. Choose another folder (UI_HOME=/elsewhere make ui)"
        )
    home.mkdir(parents=True, exist_ok=True)
    with (home / MARKER).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise UiError(
                f"{home}: another make ui runs there ({lock.read().strip() or 'it is starting'}); "
                "end it with Ctrl-C, or choose another folder (UI_HOME=/elsewhere make ui)"
            ) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}")
        lock.flush()
        _remove(home, ["airflow", "logs", "lake"])
        for name in ("airflow", "logs", "lake", "feeds"):
            (home / name).mkdir(exist_ok=True)
        yield


def clean(home: Path) -> None:
    """Remove what nobody reads once Airflow has ended."""
    _remove(home, ["airflow", "logs"])


def _remove(home: Path, names: list[str]) -> None:
    for name in names:
        shutil.rmtree(home / name, ignore_errors=True)
