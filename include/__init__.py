"""What the DAGs are made of: the core (``ticklake``), the operators, the feeds."""
