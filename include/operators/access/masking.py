"""Secrets of a task are masked by the core and by Airflow, each in what it writes."""

from __future__ import annotations

from include.ticklake.redaction.masking import remember
from include.ticklake.redaction.spellings import usual_spellings

_LEAST_CHARACTERS = 8
"""Airflow masks a text wherever it stands: what is shorter might be a part of a word."""


def hide(*secrets: str | None) -> None:
    """From now on, have *secrets* masked in errors and logs, in the usual spellings."""
    from airflow.sdk.log import mask_secret

    given = [secret for secret in secrets if secret]
    remember(*given)
    mask_secret(
        [
            spelling
            for secret in given
            for spelling in usual_spellings(secret)
            if len(secret) >= _LEAST_CHARACTERS
        ]
    )
