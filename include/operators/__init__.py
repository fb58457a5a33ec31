"""The seam to Airflow: operators that call the core."""
