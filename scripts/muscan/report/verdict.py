"""The failures of a run."""

from muscan.report.limits_table import describe_failures
from muscan.results.table_rows import read_table


def all_failures(limits: str, problems: list[str]) -> list[str]:
    """Return a message for each failure; problems of the configuration are the last.

    Args:
        limits: path of limits.csv.
        problems: problems of the configuration.
    """
    return list(dict.fromkeys(describe_failures(read_table(limits)) + problems))
