#!/usr/bin/env python
"""Fail if a limit is missing because something failed, and say what.

Reads limits.csv; the exit code is 1 if anything failed.
"""

import argparse
import sys
from pathlib import Path

from muscan.base.script import run
from muscan.base.words import printable
from muscan.report.limits_table import failures
from muscan.results.table_rows import read_table


def main(argv: list[str] | None = None) -> int:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--limits", type=Path, required=True, help="limits.csv")
    parse.add_argument("--problems", nargs="*", default=[], help="of the configuration, which count as failures")
    args = parse.parse_args(argv)
    failed = list(dict.fromkeys(failures(read_table(args.limits)) + args.problems))
    for failure in failed:
        print(f"failed: {printable(failure)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    run(main)
