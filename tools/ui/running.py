"""``make ui`` for programs: started as a person would, and what it prints, read."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.local.airflow import REPOSITORY
from tools.ui.ui_error import UiError

START_LIMIT_S = 500
STOP_LIMIT_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningUi:
    """What ``make ui`` printed."""

    url: str
    password: str
    home: Path

    def page(self, path: str = "") -> str:
        """The address of one of our pages, outside of Airflow's frame."""
        return f"{self.url}/ticklake/{path}"


@contextmanager
def running_ui(home: Path) -> Iterator[RunningUi]:
    """Run it with its files in *home* while the block runs; then Ctrl-C, which must end it all."""
    with subprocess.Popen(
        [sys.executable, "-m", "tools.ui"],
        cwd=REPOSITORY,
        env={**_plain(os.environ), "UI_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        watchdog = threading.Timer(START_LIMIT_S, process.terminate)
        watchdog.start()
        try:
            printed = _until_ready(process)
            watchdog.cancel()
            yield RunningUi(
                url=_after("open", printed).removesuffix("/plugin/lake"),
                password=_after("password", printed),
                home=home,
            )
        finally:
            watchdog.cancel()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=STOP_LIMIT_S)


def _until_ready(process: subprocess.Popen[str]) -> str:
    """What it prints up to the line that says how to end it."""
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if line.startswith("Ctrl-C"):
            return "".join(lines)
    raise UiError("it ended before it was ready:\n" + "".join(lines))


def _after(name: str, printed: str) -> str:
    match = re.search(rf"^  {name} +(\S+)", printed, re.MULTILINE)
    if match is None:
        raise UiError(f"it printed no {name}:\n{printed}")
    return match[1]


def _plain(environ: Mapping[str, str]) -> dict[str, str]:
    """*environ* without the settings of the tests' own Airflow and lakes."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(("AIRFLOW", "TICKLAKE", "UI_"))
    }
