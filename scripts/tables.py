#!/usr/bin/env python
"""Collect the limits of all scans.

Reads limits.json and fit.json of every scan, writes limits.csv and the same as Markdown.
"""

from muscan.base.script import run
from muscan.records.columns import CLS_COLUMNS, ERROR_COLUMNS, LIMIT_COLUMNS
from muscan.results.tables import row, tabulate


def main(argv: list[str] | None = None) -> None:
    numbers = [*LIMIT_COLUMNS, *ERROR_COLUMNS, *CLS_COLUMNS, "mu_hat", "mu_hat_error", "gof_p_value"]
    tabulate(lambda results, scan: [row(results, scan)], numbers, __doc__, argv)


if __name__ == "__main__":
    run(main)
