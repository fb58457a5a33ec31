"""What ``make demo`` and ``make ui`` share: an Airflow of their own, and what they print."""
