"""What the DAG files are built from: forms, intervals, labels, retries."""
