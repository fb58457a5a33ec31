"""Runs that are killed, or meet, at every step."""
