"""What a program of its own writes beside its results: a log and tracebacks, both masked."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Mapping
from types import TracebackType
from urllib.parse import unquote

from include.ticklake.redaction.masking import mask, remember

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:KEY|KEY_ID|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL)$"
)
_OURS = "TICKLAKE_"
"""Settings, none of which is a secret: one names a Secret of Kubernetes."""
_LOGIN = re.compile(r"//([^@\s]+)@")
_LEAST_CHARACTERS = 8


def remember_environment(environ: Mapping[str, str]) -> None:
    """Have masked what *environ* holds of secrets: by a variable's name, or in an address."""
    for name, value in environ.items():
        is_named = _SECRET_NAME.search(name.upper()) and not name.startswith(_OURS)
        if is_named and len(value) >= _LEAST_CHARACTERS:
            remember(value)
        if login := _LOGIN.search(value):
            password = login[1].partition(":")[2]
            remember(password, unquote(password))


class MaskingFormatter(logging.Formatter):
    """Formats a record, a traceback included, and masks what came of it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, or lines, of *record*."""
        return mask(super().format(record))


def mask_traceback(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Write an error that nothing caught: for ``sys.excepthook``."""
    sys.stderr.write(mask("".join(traceback.format_exception(kind, error, trace))))
