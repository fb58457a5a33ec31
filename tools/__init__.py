"""Developer tools: none of them is deployed."""
