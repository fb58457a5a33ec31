"""A unit: the slice and the window that are fetched, converted and committed as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote

from include.ticklake.errors import UsageError
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window


@dataclass(frozen=True, slots=True, order=True)
class Unit:
    """What is extracted, converted and committed as one: a slice and a window."""

    slice: Slice
    window: Window

    def __str__(self) -> str:
        return f"{self.slice} {self.window.name}"

    @property
    def arguments(self) -> str:
        """The arguments that name it to a command: ``--slice symbol=BTC --start ... --end ...``."""
        slices = [f"--slice {quote(f'{name}={value}')}" for name, value in self.slice.values]
        start, end = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (self.window.start, self.window.end))
        return " ".join([*slices, f"--start {start} --end {end}"])

    def as_dict(self) -> dict[str, object]:
        """For people: plain JSON, with the slice's values by name."""
        return {"slice": self.slice.as_dict(), "window": self.window.name}

    def to_xcom(self) -> dict[str, object]:
        """Plain JSON without an object whose order matters: PostgreSQL and MySQL sort its keys."""
        return {"slice": self.slice.path, "window": self.window.name}

    @classmethod
    def of(cls, plain: Mapping[str, object]) -> Unit:
        """The inverse of ``to_xcom``, and of ``as_dict`` where the order was kept."""
        slice_, window = plain["slice"], Window.parse(str(plain["window"]))
        if isinstance(slice_, str):
            return cls(Slice.parse(slice_), window)
        if not isinstance(slice_, dict):
            raise UsageError(f"{slice_!r} is not a slice; write it as {{'symbol': 'BTCUSDT'}}")
        return cls(Slice.of(slice_), window)
