"""A command under a hard memory cap, and the sizes that follow from a cap."""
