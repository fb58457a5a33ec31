"""Memory: commands under a hard limit, and what a process itself uses."""
