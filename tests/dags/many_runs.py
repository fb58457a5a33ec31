"""Calls on stdin, runs of DAGs out: ``airflow dags test`` many times in one process.

Importing Airflow takes longer than a run. Each line in is a JSON object: the arguments of
``airflow``, and what the environment is to be. Each run ends with a line out: ``run.ended`` and a
JSON object that says how, after everything that Airflow wrote.
"""

from __future__ import annotations

import json
import os
import sys
import time

from airflow.cli import cli_parser


def main() -> None:
    """Run what stdin asks for, one call after the other."""
    parser = cli_parser.get_parser()
    for line in sys.stdin:
        call = json.loads(line)
        os.environ.update(call["env"])
        arguments = parser.parse_args(call["arguments"])
        began_s, failed = time.monotonic(), ""
        try:
            arguments.func(arguments)
        except (SystemExit, Exception) as wrong:
            failed = repr(wrong)
        sys.stdout.flush()
        ended = {"failed": failed, "seconds": round(time.monotonic() - began_s, 2)}
        print(f"\nrun.ended {json.dumps(ended)}", flush=True)


if __name__ == "__main__":
    main()
