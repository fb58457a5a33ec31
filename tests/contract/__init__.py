"""What ticklake promises, over all of it."""
