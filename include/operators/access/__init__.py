"""What a task reaches the outside with: settings, connections, the lake."""
