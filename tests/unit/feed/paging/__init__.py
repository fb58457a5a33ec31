"""Tests of ``feed/paging``."""
