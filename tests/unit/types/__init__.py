"""Tests of ``types``."""
