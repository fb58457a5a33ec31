"""Writes ``ticklake`` into a virtual environment: the command line of this checkout, from anywhere.

The repository is not an installed package, so the script says where it is. A folder ``include`` in
the current folder, as Astro projects have one, is not mistaken for ours (``-P``).
"""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]

# A shell reads two words and starts Python, which reads a text: paths may be long or have blanks.
_SCRIPT = """\
#!/bin/sh
'''exec' {python} -P "$0" "$@"
' '''
# PYTHON_ARGCOMPLETE_OK
# Written by `make install`: the command line of {repository}
import os
import runpy
import sys

repository = {repository!r}
if not os.path.isdir(os.path.join(repository, "include", "ticklake")):
    sys.exit(f"ticklake: {{repository}} is not there any more; run `make install` again")
sys.path.insert(0, repository)
runpy.run_module("include.ticklake", run_name="__main__")
"""


def write(venv: Path, repository: Path) -> Path:
    """Write the script of *repository* into *venv*; its path."""
    venv = venv.absolute()
    python = str(venv / "bin" / "python")
    quoted = "'" + python.replace("'", "'\\''") + "'"
    if "'" in python or "\\" in python:  # the text that Python reads would end there
        raise ValueError(f"{venv}: choose a folder without quotes and backslashes in its path")
    script = venv / "bin" / "ticklake"
    text = _SCRIPT.format(python=quoted, repository=str(repository))
    script.write_text(text, encoding="utf-8")
    script.chmod(0o755)
    return script


if __name__ == "__main__":
    write(Path(sys.argv[1]), REPOSITORY)
