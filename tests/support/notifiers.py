"""Notifiers that write to a file, as an Airflow provider's write to a service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from airflow.sdk import BaseNotifier


class FileNotifier(BaseNotifier):
    """Appends its text as a line of JSON to the file at *path*."""

    template_fields = ("text",)

    def __init__(self, *, path: str, text: str, token: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.text = text
        self.token = token

    def notify(self, context: Any) -> None:  # noqa: ARG002 - rendered into the text before
        with Path(self.path).open("a") as file:
            file.write(json.dumps(self.text) + "\n")


class AsyncFileNotifier(FileNotifier):
    """The same, for an event loop only."""

    notify = BaseNotifier.notify

    async def async_notify(self, context: Any) -> None:
        FileNotifier.notify(self, context)


class BrokenNotifier(FileNotifier):
    """Fails with an error that has the token in its text."""

    def notify(self, context: Any) -> None:  # noqa: ARG002
        raise OSError(f"cannot reach https://hooks.example.com/{self.token}")


def sent(path: Path) -> list[str]:
    """The texts in a notifier's file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
