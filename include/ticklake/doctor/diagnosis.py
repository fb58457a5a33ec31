"""One line of ``doctor``: what was looked at, how it is, and how to fix it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """How one thing is."""

    check: str
    """What was looked at, in a few words."""
    state: State
    """``fail``: something cannot work like this; ``warn``: it can, with less than it could."""
    text: str
    fix: str = ""
    """What to do; empty where there is nothing to do."""

    def as_dict(self) -> dict[str, str]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def ok(cls, check: str, text: str) -> Diagnosis:
        """Nothing to do."""
        return cls(check=check, state="ok", text=text)

    @classmethod
    def warn(cls, check: str, text: str, fix: str) -> Diagnosis:
        """It works, with less than it could."""
        return cls(check=check, state="warn", text=text, fix=fix)

    @classmethod
    def fail(cls, check: str, text: str, fix: str) -> Diagnosis:
        """It cannot work like this."""
        return cls(check=check, state="fail", text=text, fix=fix)
