#!/usr/bin/env python
"""Compare the limits from toys with the asymptotic ones.

Reads limits.json of every scan with toys, writes toybased.csv, one row per limit, and the same as Markdown.
"""

from muscan.base.script import run
from muscan.config.settings import TOYBASED
from muscan.results.compare_calculators import NUMBERS, rows
from muscan.results.tables import tabulate


def main(argv: list[str] | None = None) -> None:
    tabulate(rows, NUMBERS, __doc__, argv, only=TOYBASED)


if __name__ == "__main__":
    run(main)
