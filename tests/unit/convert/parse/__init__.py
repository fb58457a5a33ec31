"""Tests of ``convert/parse``."""
