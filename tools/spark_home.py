"""Installs Spark and Iceberg for it into ``build/spark``: ``python -m tools.spark_home``.

pyspark has 400 MB, and nothing of ticklake imports it, so it has a virtual environment of its own.
CI installs it beside other work; who needs it waits with ``why_missing``.
"""

from __future__ import annotations

import fcntl
import re
import shutil
import struct
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

_REPOSITORY = Path(__file__).parents[1]
_REQUIREMENTS = _REPOSITORY / "requirements-spark.txt"

HOME = _REPOSITORY / "build" / "spark"
"""The virtual environment."""

DRIVERS = {
    Path("/usr/share/java/postgresql.jar"): "libpostgresql-jdbc-java",
    Path("/usr/share/java/sqlite-jdbc.jar"): "libxerial-sqlite-jdbc-java",
}
"""With which Spark opens Iceberg's catalogs, and Debian's packages of them."""

INSTALL_LIMIT_S = 900
_JACKSON = HOME / "iceberg-jackson.jar"
_LOCK = HOME.with_name("spark.lock")
"""Not in the environment, where uv has a lock of its own."""
_STAMP = HOME / ".installed"

_PLAIN, _SHADED = b"com/fasterxml/jackson", b"org/apache/iceberg/shaded/com/fasterxml/jackson"
_TEXT = 1
_CONSTANT_SIZES = {
    3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4,
    15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2,
}  # fmt: skip
"""Bytes of each other kind of constant in a class file, by tag: Java's specification, 4.4."""
_LONG, _DOUBLE = 5, 6


def why_missing() -> str | None:
    """What to do before Spark can be used; an installation that is running is waited for."""
    if shutil.which("java") is None:
        return "no Java: apt-get install openjdk-17-jre-headless"
    for driver, package in DRIVERS.items():
        if not driver.exists():
            return f"no {driver.name}: apt-get install {package}"
    if _LOCK.exists():
        with _LOCK.open("wb") as lock:
            waiting = threading.Thread(target=fcntl.flock, args=(lock, fcntl.LOCK_EX), daemon=True)
            waiting.start()
            waiting.join(INSTALL_LIMIT_S)
    return None if _is_installed() else "no Spark: make spark"


def class_path() -> str:
    """Iceberg for the version of Scala that pyspark has, what it needs, and the drivers."""
    (iceberg,) = HOME.glob("lib/*/site-packages/*/jars/iceberg-spark-runtime-*_2.12-*.jar")
    return ":".join(map(str, [iceberg, _JACKSON, *DRIVERS]))


def main() -> None:
    """Install what the file of requirements lists, unless it is there."""
    HOME.parent.mkdir(exist_ok=True)
    with _LOCK.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_installed():
            _install()
            _STAMP.write_bytes(_REQUIREMENTS.read_bytes())


def _is_installed() -> bool:
    return _STAMP.exists() and _STAMP.read_bytes() == _REQUIREMENTS.read_bytes()


def _install() -> None:
    uv = shutil.which("uv") or Path(sys.executable).with_name("uv")
    environment: list[str | Path] = ["venv", "--quiet", "--allow-existing", "--python"]
    subprocess.run([uv, *environment, sys.executable, HOME], check=True)
    subprocess.run(
        # pyspark comes as source, which is packed first: its jars are compressed already.
        [uv, "pip", "install", "--quiet", "--config-setting=--build-option=--compression=stored",
         "--python", HOME / "bin" / "python", "--requirement", _REQUIREMENTS],
        check=True,
    )  # fmt: skip
    with zipfile.ZipFile(_JACKSON, "w") as jar:
        for name, content in _shaded_jackson():
            jar.writestr(name, content)


def _shaded_jackson() -> Iterator[tuple[str, bytes]]:
    """Spark's own Jackson under the name that Iceberg's jar calls it by, which lacks it."""
    for path in sorted(HOME.glob("lib/*/site-packages/pyspark/jars/jackson-*-2*.jar")):
        if not re.match(r"jackson-(core|databind|annotations)-\d", path.name):
            continue
        with zipfile.ZipFile(path) as jar:
            for name in jar.namelist():
                if name.startswith(_PLAIN.decode()) and name.endswith(".class"):
                    yield name.replace(_PLAIN.decode(), _SHADED.decode()), _shaded(jar.read(name))


def _shaded(class_file: bytes) -> bytes:
    """The same class with the other name in each text of its table of constants."""
    (count,) = struct.unpack_from(">H", class_file, 8)
    parts, at, number = [class_file[:10]], 10, 1
    while number < count:
        tag = class_file[at]
        if tag == _TEXT:
            (length,) = struct.unpack_from(">H", class_file, at + 1)
            text = class_file[at + 3 : at + 3 + length]
            for old, new in (_PLAIN, _SHADED), (_dotted(_PLAIN), _dotted(_SHADED)):
                text = text.replace(old, new)
            parts.append(struct.pack(">BH", _TEXT, len(text)) + text)
            at += 3 + length
        else:
            end = at + 1 + _CONSTANT_SIZES[tag]
            parts.append(class_file[at:end])
            at = end
        number += 2 if tag in (_LONG, _DOUBLE) else 1
    return b"".join(parts) + class_file[at:]


def _dotted(name: bytes) -> bytes:
    return name.replace(b"/", b".")


if __name__ == "__main__":
    main()
