"""What every model of a feed file is built on: strict keys, and errors that name their place."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

PATH = r"[^.\s]+(\.[^.\s]+)*"
"""Names with dots between them, as a pattern."""


class StrictModel(BaseModel):
    """Every model of a feed file: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FieldError(ValueError):
    """What is wrong at the path *at* below the model that finds it."""

    def __init__(self, message: str, *, at: tuple[str, ...]) -> None:
        super().__init__(message)
        self.at = at
