"""What a program writes of its own accord holds no secret of its environment."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from include.ticklake.redaction.masking import mask
from include.ticklake.redaction.output import MaskingFormatter, remember_environment
from tests.conftest import REPOSITORY


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        pytest.param("AWS_SECRET_ACCESS_KEY", "wJalr/XUtnF", "***", id="a key"),
        pytest.param("AWS_ACCESS_KEY_ID", "AKIACANARY", "***", id="a key's id"),
        pytest.param("AWS_SESSION_TOKEN", "canary-t0ken", "***", id="a token"),
        pytest.param("PYICEBERG_CATALOG__X__CREDENTIAL", "me:canary", "***", id="a catalog's"),
        pytest.param("TICKLAKE_KUBERNETES_SECRET", "of-ours", "of-ours", id="its name"),
        pytest.param("PWD", "/home/canary", "/home/canary", id="the current folder"),
        pytest.param("SOME_KEY", "yes", "yes", id="too short for a secret"),
    ],
)  # fmt: skip
def test_what_a_variable_is_named_says_whether_its_value_is_masked(name, value, shown):
    """Any program's secrets are there, and none of them is anybody's business."""
    remember_environment({name: value})
    assert mask(f"<{value}>") == f"<{shown}>"


def test_the_password_in_an_address_is_masked_wherever_it_stands():
    """Of a proxy, of a connection, of a catalog: as it is, and as the address has it."""
    remember_environment({"HTTPS_PROXY": "http://me:pr0xy%2Fcanary@proxy:3128"})
    assert mask("pr0xy/canary, pr0xy%2fcanary at proxy") == "***, *** at proxy"


def test_a_log_line_is_masked_with_its_traceback():
    """A library's, too: they come through one handler."""
    remember_environment({"API_TOKEN": "t0ken/canary"})
    try:
        raise ValueError("https://a.b/t0ken%2Fcanary")
    except ValueError:
        exc_info = sys.exc_info()
    record = logging.LogRecord(
        "urllib3", logging.ERROR, __file__, 1, "no %s", ("t0ken/canary",), exc_info
    )
    line = MaskingFormatter("%(message)s").format(record)
    assert line.startswith("no ***\nTraceback")
    assert line.endswith("ValueError: https://a.b/***")


def test_an_error_that_nothing_catches_is_written_without_secrets():
    """The program ends with exit code 1 and a traceback, as any would."""
    code = """if True:
        import sys
        from include.ticklake.redaction.masking import remember
        from include.ticklake.redaction.output import mask_traceback
        sys.excepthook = mask_traceback
        remember("t0ken/canary")
        raise ValueError("t0ken%2fcanary".upper())
    """
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.endswith("ValueError: ***\n")
