"""What `make ui` starts, in a browser."""
