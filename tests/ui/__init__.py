"""The page in Airflow: its parts, its rights, and what a browser makes of it."""
