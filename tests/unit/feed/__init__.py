"""Tests of ``feed``."""
