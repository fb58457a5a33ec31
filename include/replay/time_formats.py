"""Milliseconds or nanoseconds in, times as exchanges write them out; all UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def iso_s(moment_ms: int) -> str:
    """``2026-01-02T03:00:00Z``."""
    return f"{_seconds(moment_ms // 1_000)}Z"


def iso_ms(moment_ms: int) -> str:
    """``2026-01-02T03:00:00.123Z``."""
    return f"{_seconds(moment_ms // 1_000)}.{moment_ms % 1_000:03d}Z"


def iso_micros(time_ns: int) -> str:
    """``2022-01-30T17:50:03.19541Z``: microseconds, without the zeros at their end."""
    fraction = f".{time_ns // 1_000 % 10**6:06d}".rstrip("0").rstrip(".")
    return f"{_seconds(time_ns // 10**9)}{fraction}Z"


def decimal_s(time_ns: int) -> str:
    """``1688671969.1993663``: seconds with seven decimals, without the zeros at their end."""
    whole, fraction = divmod(time_ns // 100, 10**7)
    return f"{whole}.{f'{fraction:07d}'.rstrip('0') or '0'}"


def _seconds(moment_s: int) -> str:
    return f"{datetime.fromtimestamp(moment_s, UTC):%Y-%m-%dT%H:%M:%S}"
