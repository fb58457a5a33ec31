"""Ends the call that another thread is in: politely through the server, then by its socket."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

from include.ticklake.sources.sql.engines import MYSQL, NUMBER

if TYPE_CHECKING:
    from sqlalchemy import Connection


def stop(session: Connection, driver_connection: Any) -> None:  # noqa: ANN401 - any driver's
    """Ask the server to stop the query of *session*; raises what the driver raises.

    It does nothing for a database that is none of ours.
    """
    dialect = session.engine.dialect.name
    if dialect in MYSQL:
        with session.engine.connect() as other:
            other.exec_driver_sql(f"KILL QUERY {int(session.info[NUMBER])}")
    elif dialect == "postgresql":
        cancel = getattr(driver_connection, "cancel_safe", driver_connection.cancel)
        cancel()
    elif dialect == "sqlite":
        driver_connection.interrupt()


def disconnect(driver_connection: Any) -> None:  # noqa: ANN401
    """Shut the connection's socket down, which ends whatever waits for it; ``OSError``.

    It does nothing where there is no socket.
    """
    owner = getattr(driver_connection, "_sock", None) or driver_connection  # PyMySQL's has a name
    if not hasattr(owner, "fileno"):
        return
    # A copy: the driver closes its own, and perhaps right now.
    with socket.socket(fileno=os.dup(owner.fileno())) as copy:
        copy.shutdown(socket.SHUT_RDWR)
