"""Field types: what each one reads and writes."""
