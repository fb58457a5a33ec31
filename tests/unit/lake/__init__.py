"""Tests of ``lake``."""
