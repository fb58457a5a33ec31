"""Secrets are cut out of every text that leaves the process, however they are spelled."""
