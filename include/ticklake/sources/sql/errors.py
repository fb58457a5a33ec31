"""A driver's error in, ours out: whether a retry may help, in words without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from include.ticklake.errors import FeedFileError, SourceRefusedError, SourceUnavailableError
from include.ticklake.feed.feed import Feed
from include.ticklake.redaction.addresses import is_secret
from include.ticklake.redaction.masking import sanitize
from include.ticklake.sources.sql.engines import MYSQL

# SQLSTATE classes of what passes: connection, rollback, resources, operator, system.
_PASSING_STATES = ("08", "40", "53", "55", "57", "58")
# MySQL and MariaDB: too many connections, locks, deadlocks, killed, timeouts; 2xxx is the client's.
_PASSING_NUMBERS = {1040, 1053, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1226, 1317, 1969, 3024}
_PASSING_SQLITE = re.compile(r"locked|busy|disk I/O", re.IGNORECASE)
# libpq says what went error before a session only in words.
_NO_ENTRY = re.compile(r"authentication failed|does not exist|pg_hba|no password|permission denied")

# SQLite's, which has the limit of ``engines``.
_TOO_LARGE = "string or blob too big"


@contextmanager
def translate_errors(feed: Feed, engine: sa.Engine, *, where: str) -> Iterator[None]:
    """Raise what SQLAlchemy and a driver raise as one of our own errors.

    ``FeedFileError`` for a value that the driver cannot make anything of.
    """
    try:
        yield
    except sa.exc.DBAPIError as error:
        message = f"{where}: {_reason(error.orig, engine)}"
        if _TOO_LARGE in str(error.orig):
            raise SourceRefusedError(
                f"{where}: a value is larger than twice limits.max_record_bytes: "
                f"{feed.limits.max_record_bytes}; select less, or raise it"
            ) from None
        if _passes(error, engine.dialect.name):
            raise SourceUnavailableError(message) from None
        raise SourceRefusedError(f"{message}; check the feed's query and connection") from None
    except sa.exc.SQLAlchemyError as error:
        reason = _reason(error, engine)
        raise SourceRefusedError(f"{where}: {reason}; check the feed's query") from None
    except (ValueError, ArithmeticError) as error:
        raise FeedFileError(
            f"{feed.name}: the driver cannot read a value ({type(error).__name__}), such as an "
            "infinite or very old time; let the query give that column as text"
        ) from None


def _passes(error: sa.exc.DBAPIError, dialect: str) -> bool:
    original: Any = error.orig
    text = str(original)
    state = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    if state:
        return str(state).startswith(_PASSING_STATES)
    if not isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError):
        return error.connection_invalidated
    if dialect == "sqlite":
        return bool(_PASSING_SQLITE.search(text))
    number = original.args[0] if original.args else None
    if dialect in MYSQL and isinstance(number, int):
        return number in _PASSING_NUMBERS or number >= 2000 or number == 0
    return not _NO_ENTRY.search(text)


def _reason(error: object, engine: sa.Engine) -> str:
    """Kind and first words of an error: never the parameters, never the password."""
    args = getattr(error, "args", ())
    text = str(args[-1] if args else "").strip()
    line = sanitize(text.partition("\n")[0], secrets=_secrets(engine))
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def _secrets(engine: sa.Engine) -> list[str]:
    """What of the engine's address is secret: also where a provider's hook has made the engine."""
    options = [value for name, value in engine.url.query.items() if is_secret(name)]
    return [text for text in (engine.url.password, *options) if isinstance(text, str)]
