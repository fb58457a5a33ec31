"""The compiled part of ticklake, in C, and how Python calls it: JSON lines to Arrow arrays."""
