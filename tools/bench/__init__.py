"""Measurements on this machine: ``make bench``. Nothing here is imported by the rest."""
