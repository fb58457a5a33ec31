"""Tests of ``doctor``."""
