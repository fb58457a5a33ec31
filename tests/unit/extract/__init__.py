"""Tests of ``extract``."""
