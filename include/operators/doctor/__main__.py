"""``python -m include.operators.doctor REPORT``: writes each check as a line of JSON to a file.

Not to stdout: Airflow, its providers and other plugins print there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from include.ticklake.doctor.diagnosis import Diagnosis
from include.ticklake.doctor.machine_checks import check_versions
from include.ticklake.redaction.masking import mask

Check = Callable[[], Iterator[Diagnosis]]


def run(checks: list[Check]) -> Iterator[Diagnosis]:
    """Yield what each check says; one that stops does not stop the others."""
    for check in checks:
        try:
            yield from check()
        except Exception as error:
            name = check.__name__.removeprefix("check_").replace("_", " ")
            line = (mask(str(error)).splitlines() or [""])[0]
            text = f"could not be checked: {type(error).__name__}: {line}"
            yield Diagnosis.fail(name, text, "fix what fails above first")


def main(report: Path) -> None:
    """Write every check to *report* as it ends."""
    with report.open("w", encoding="utf-8", buffering=1) as lines:
        for diagnosis in run(_checks()):
            lines.write(f"{json.dumps(diagnosis.as_dict())}\n")


def _checks() -> list[Check]:
    try:
        import airflow  # noqa: F401
    except Exception as error:
        return [lambda error=error: iter([_no_airflow(error)])]  # type: ignore[misc]
    from include.operators.doctor import installation, services

    return [
        installation.check_version,
        check_versions,
        installation.check_providers,
        installation.check_python_path,
        services.check_database,
        installation.check_dags,
        installation.check_plugin,
        services.check_processes,
        services.check_api_server,
        services.check_pools,
        services.check_connections,
        services.check_executor,
        services.check_runners,
        services.check_notifier,
        services.check_lake,
    ]


def _no_airflow(error: Exception) -> Diagnosis:
    return Diagnosis.fail(
        "airflow", f"{sys.executable} cannot import it: {mask(str(error))}",
        "name the Python that your Airflow runs in: `doctor --airflow --python /path/to/python`",
    )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
