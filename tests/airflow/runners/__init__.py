"""Tests of where memory-limited steps run."""
