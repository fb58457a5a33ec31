"""A record as it came: one JSON object or array, as text."""

from __future__ import annotations

import msgspec

Record = msgspec.Raw
"""The JSON text of one record, with the source's own names and numbers."""
