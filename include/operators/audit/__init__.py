"""What is wrong with the lake's last days: as a report, an event and a failed task.

``plan`` names the slices of each feed in batches, ``audit`` reads the data of a batch,
``report`` adds up the findings, ``refetch`` triggers the DAGs that fetch, and
``fail_on_findings`` fails for what is not being fetched again.
"""
