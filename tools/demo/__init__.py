"""make demo: one hour of trades through the real DAG."""
