#!/usr/bin/env python
"""Draw the significance of an excess of a signal grid in the plane of two labels.

Reads points.csv, writes a PNG and a PDF beside it.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.plotting.contour import ContourSettings
from muscan.plotting.significance import plot_significance


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--points", required=True, help="points.csv")
    add_options(parse, ContourSettings)
    parse.add_argument("--output", required=True, help="PNG; the PDF gets the same name")
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    plot_significance(args.output, args.points, settings_of(args, ContourSettings))


if __name__ == "__main__":
    run(main)
