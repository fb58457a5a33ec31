"""Real PostgreSQL and MariaDB servers for the tests: from Debian's packages, on a unix socket.

Neither runs as root, so under root they run as the users that their packages made. Their
folders are short: a socket's path may have 107 characters, and pytest's own folders are
closed to other users. Nothing listens on a port,
unless PostgreSQL is asked to.
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

START_LIMIT_S = 60
_POSTGRES_PORT = 5432
"""It names the socket, also where nothing listens on a port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An empty database of a running server, and who may do anything in it."""

    dialect: str
    socket: str
    user: str = "ticklake"
    password: str = field(repr=False)
    name: str = "shop"
    port: int | None = None
    """On the loopback, for clients that cannot use a socket of Unix."""

    def url(self, driver: str) -> str:
        """An SQLAlchemy URL: ``postgresql+psycopg://...``."""
        login = f"{self.user}:{self.password}"
        option = "host" if self.dialect == "postgresql" else "unix_socket"
        host = "" if self.dialect == "postgresql" else "localhost"
        port = f"&port={self.port}" if self.port else ""
        return f"{self.dialect}+{driver}://{login}@{host}/{self.name}?{option}={self.socket}{port}"


def postgres_programs() -> Path | None:
    """The folder of the newest PostgreSQL's programs, None if it is not installed."""
    programs = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: int(path.parent.parent.name),
    )
    if programs:
        return programs[-1].parent
    program = shutil.which("postgres")
    return Path(program).resolve().parent if program else None


def mariadb_program() -> str | None:
    """``mariadbd``, None if it is not installed."""
    return shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")


@contextmanager
def postgres(programs: Path, *, port: int | None = None) -> Iterator[Database]:
    """A PostgreSQL server of one's own; with a *port*, it listens there, too."""
    with _folder("postgres") as (folder, user):
        password = secrets.token_hex(12)
        login = folder / "login"
        login.write_text(password)
        _run(
            [programs / "initdb", "--username=ticklake", "--auth=scram-sha-256", "--no-sync",
             f"--pwfile={login}", "--encoding=UTF8", "--locale=C.UTF-8", folder / "data"],
            user=user,
        )  # fmt: skip
        argv = [
            programs / "postgres", "-D", folder / "data", "-k", folder, "-c", "fsync=off",
            "-c", f"listen_addresses={'127.0.0.1' if port else ''}",
            "-c", "timezone=Asia/Kolkata", "-p", port or _POSTGRES_PORT,
        ]  # fmt: skip
        with _serving(argv, user=user, ready="ready to accept connections"):
            database = Database(
                dialect="postgresql", socket=str(folder), password=password, port=port
            )
            _run(
                [programs / "createdb", f"--host={folder}", f"--port={port or _POSTGRES_PORT}",
                 "--username=ticklake", database.name],
                user=user, env={"PGPASSWORD": password},
            )  # fmt: skip
            yield database


@contextmanager
def mariadb(program: str) -> Iterator[Database]:
    """A MariaDB server of one's own."""
    with _folder("mysql") as (folder, user):
        data, socket, password = folder / "data", folder / "socket", secrets.token_hex(12)
        _run(
            [
                "mariadb-install-db",
                "--no-defaults",
                f"--datadir={data}",
                f"--tmpdir={folder}",
                "--skip-test-db",
            ],
            user,
        )
        database = Database(dialect="mariadb", socket=str(socket), password=password)
        login = folder / "login.sql"
        login.write_text(
            f"CREATE DATABASE {database.name} CHARACTER SET utf8mb4;\n"
            f"CREATE USER {database.user}@localhost IDENTIFIED BY '{password}';\n"
            f"GRANT ALL ON *.* TO {database.user}@localhost;\n"
        )
        argv = [
            program, "--no-defaults", f"--datadir={data}", f"--socket={socket}",
            f"--tmpdir={folder}",
            "--skip-networking", f"--init-file={login}", "--default-time-zone=+05:30",
            f"--pid-file={folder / 'pid'}", "--innodb-flush-method=nosync",
        ]  # fmt: skip
        with _serving(argv, user=user, ready="ready for connections"):
            yield database


@contextmanager
def _folder(owner: str) -> Iterator[tuple[Path, str | None]]:
    """A short path, and the user a server in it runs as; None is the current user."""
    folder = Path(tempfile.mkdtemp(prefix="ticklake-"))
    user = owner if os.geteuid() == 0 else None
    if user:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
    try:
        yield folder, user
    finally:
        shutil.rmtree(folder)


def _run(argv: Sequence[object], user: str | None, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        list(map(str, argv)), **_as(user), env={**os.environ, **(env or {})}, cwd="/",
        capture_output=True, text=True, timeout=START_LIMIT_S, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{argv[0]} failed: {done.stdout}{done.stderr}")


def _as(user: str | None) -> dict[str, Any]:
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


@contextmanager
def _serving(argv: Sequence[object], *, user: str | None, ready: str) -> Iterator[None]:
    """The server, from the moment it says *ready* until the block ends."""
    started, log = threading.Event(), list[str]()
    end = _END.get(Path(str(argv[0])).name, signal.SIGTERM)
    as_user = []
    if user:
        account = pwd.getpwnam(user)
        as_user = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    process = subprocess.Popen(
        # Whatever ends the tests, also a kill, ends the server.
        ["setpriv", f"--pdeathsig={end.name}", *as_user, *map(str, argv)], cwd="/", text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip

    errors = process.stderr
    assert errors is not None

    def read() -> None:
        # To the end: a pipe that nobody empties stops the server when it is full.
        for line in errors:
            log.append(line)
            if re.search(ready, line):
                started.set()
        started.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        if not started.wait(START_LIMIT_S) or process.poll() is not None:
            raise RuntimeError(f"{argv[0]} did not start: {''.join(log[-20:])}")
        yield
    finally:
        process.send_signal(end)
        process.wait(timeout=START_LIMIT_S)
        reader.join()
        errors.close()


_END = {"postgres": signal.SIGINT}
"""SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave."""
