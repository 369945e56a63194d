"""What failed in a run."""

from pathlib import Path

from muscan.report.limits_table import describe_failures
from muscan.results.table_rows import read_table


def all_failures(limits: str, problems: list[str]) -> list[str]:
    """Return what failed, a line each, the problems of the configuration last.

    Args:
        limits: limits.csv.
        problems: of the configuration.
    """
    return list(dict.fromkeys(describe_failures(read_table(Path(limits))) + problems))
