"""What a task reaches the outside with, and for how long: settings, connections, the lake."""
