"""The error of ``make ui``."""

from __future__ import annotations


class UiError(Exception):
    """A step that ended badly; the message says which, and what to do."""
