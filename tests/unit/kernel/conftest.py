"""What the tests of the kernel share with those of parsing."""

from __future__ import annotations

from tests.unit.convert.parse.conftest import described

__all__ = ["described"]
