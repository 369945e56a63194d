#!/usr/bin/env python
"""Compare the limits of all scans in one picture.

Reads limits.csv, writes a PNG and a PDF beside it.
"""

from muscan.base.script import run

import argparse

from muscan.plotting.limits import compare_limits


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--limits", required=True, help="limits.csv")
    parse.add_argument("--output", required=True, help="PNG, beside which a PDF is written")
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    compare_limits(args.output, args.limits)


if __name__ == "__main__":
    run(main)
