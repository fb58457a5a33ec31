"""The lines that a memory-limited step writes for the task that started it.

Each message is one JSON object whose ``type`` names it. Any other line is log, also one that
happens to be JSON. Fields may be added; a reader ignores those that it does not know.
"""

from __future__ import annotations

from typing import TextIO

import msgspec

from include.ticklake.errors import NotThereYetError, RateLimitedError, TicklakeError


class Message(msgspec.Struct, frozen=True, omit_defaults=True, tag=True, tag_field="type"):
    """What all messages share: they are written with their class's name as ``type``."""


class ExtractDone(Message, frozen=True, kw_only=True):
    """One window's records are staged and committed."""

    manifest: str
    pages: int
    received_rows: int
    rows: int
    outside_rows: int
    filtered_rows: int = 0
    """Not what the feed's ``where`` asks for."""
    json_bytes: int
    new_fields: tuple[str, ...] = ()
    """Names in the records that no field of the feed reads."""
    unfinished_until_ms: int | None = None
    """When the window, and each candle that opens in it, is over."""
    seconds: float
    peak_bytes: int


class ConvertDone(Message, frozen=True, kw_only=True):
    """One window's Parquet is committed."""

    manifest: str
    rows: int
    quarantined_rows: int
    json_bytes: int
    new_fields: tuple[str, ...] = ()
    unfinished_until_ms: int | None = None
    """When the window, and each candle that opens in it, is over."""
    parquet_bytes: int
    sorted: bool
    seconds: float
    peak_bytes: int


class CompactDone(Message, frozen=True, kw_only=True):
    """One day of a slice is compacted, or was left alone for the reason in ``skipped``."""

    day: str
    slice: str
    rows: int
    files: int
    parquet_bytes: int
    skipped: str | None
    seconds: float
    peak_bytes: int


class LargestRecord(Message, frozen=True, kw_only=True):
    """The largest record read so far, written before memory can run out over it."""

    largest_record_bytes: int
    largest_record_at: str


class Failed(Message, frozen=True, kw_only=True):
    """The error that ends the step, so that its task can raise the same one."""

    error: str
    """The name of the error's class."""
    message: str = ""
    where: str = ""
    retry_after_s: float = 0.0

    @classmethod
    def of(cls, error: TicklakeError) -> Failed:
        """Return the message for *error*."""
        name = type(error).__name__
        if isinstance(error, RateLimitedError):
            return cls(error=name, where=error.where, retry_after_s=error.retry_after_s)
        return cls(error=name, message=str(error))

    def to_error(self) -> TicklakeError:
        """Return the error; one of a class that is unknown here is a ``TicklakeError``."""
        for timed in (RateLimitedError, NotThereYetError):
            if self.error == timed.__name__:
                return timed(self.where, retry_after_s=self.retry_after_s)
        classes, pending = {}, [TicklakeError]
        while pending:
            error_class = pending.pop()
            classes[error_class.__name__] = error_class
            pending += error_class.__subclasses__()
        return classes.get(self.error, TicklakeError)(self.message)


class UnitFailed(Message, frozen=True, kw_only=True):
    """One unit failed, and the step goes on with the next."""

    unit: str
    error: str
    """The name of the error's class."""
    message: str
    where: str = ""
    retry_after_s: float = 0.0

    @classmethod
    def of(cls, unit: str, error: TicklakeError) -> UnitFailed:
        """Return the message for *error* of *unit*."""
        failed = Failed.of(error)
        return cls(
            unit=unit,
            error=failed.error,
            message=str(error),
            where=failed.where,
            retry_after_s=failed.retry_after_s,
        )

    def to_error(self) -> TicklakeError:
        """Return the error, as ``Failed`` does."""
        return Failed(
            error=self.error,
            message=self.message,
            where=self.where,
            retry_after_s=self.retry_after_s,
        ).to_error()


_DECODER = msgspec.json.Decoder(
    ExtractDone | ConvertDone | CompactDone | LargestRecord | UnitFailed | Failed
)


def encode(message: Message) -> str:
    """Return *message* as one line, without its end."""
    return msgspec.json.encode(message).decode()


def write(message: Message, stream: TextIO) -> None:
    """Write *message* as one line of *stream*; in one piece, because several threads may write."""
    stream.write(f"{encode(message)}\n")
    stream.flush()


def decode(line: str) -> Message | None:
    """Return the message in *line*; None for a line of the log."""
    if not line.startswith("{"):
        return None
    try:
        message: Message = _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return message
