"""What ``ticklake doctor --airflow`` looks at: an Airflow that is there already."""
