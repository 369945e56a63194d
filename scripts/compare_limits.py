#!/usr/bin/env python
"""Compare the limits of all scans in one picture.

Reads limits.csv, writes a PNG and a PDF beside it.
"""

import argparse

from muscan.base.script import run
from muscan.plotting import style as plotting
from muscan.plotting.limits import draw, read_limits


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--limits", required=True, help="limits.csv")
    parse.add_argument("--output", required=True, help="PNG; the PDF gets the same name")
    args = parse.parse_args(argv)
    plotting.save(draw(read_limits(args.limits)), args.output)


if __name__ == "__main__":
    run(main)
