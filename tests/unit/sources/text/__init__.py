"""Tests of the text readers."""
