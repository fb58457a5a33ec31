"""Where a memory-limited step runs: a process, Docker, Kubernetes."""
