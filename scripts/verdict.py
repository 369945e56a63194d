#!/usr/bin/env python
"""Fail if a limit is missing because something failed, and report what failed.

Reads limits.csv; the exit code is 1 if anything failed.
"""

from muscan.base.script import run

import argparse
import sys

from muscan.base.words import printable_text
from muscan.report.verdict import all_failures


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--limits", required=True, help="limits.csv")
    parse.add_argument(
        "--problems", nargs="*", default=[], help="problems of the configuration; each counts as a failure"
    )
    return parse


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    failed = all_failures(args.limits, args.problems)
    for failure in failed:
        print(f"failed: {printable_text(failure)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    run(main)
