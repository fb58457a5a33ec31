"""Tests of ``sources/sql``."""
