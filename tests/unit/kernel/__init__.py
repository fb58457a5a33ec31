"""The kernel in C: how it is compiled, and that Python calls it as it is."""
