#!/usr/bin/env python
"""Collect the signal points of a grid.

Reads limits.json of every signal of the analyses of the grid and, if there is one, a CSV file of cross sections; writes
points.csv, one row per signal point, and the same table as Markdown. If several analyses have a signal at a point, the
one with the lowest expected limit is used.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.results.grid_points import GridTableSettings, collect_points


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, GridTableSettings)
    parse.add_argument("--csv", required=True)
    parse.add_argument("--markdown", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    collect_points(args.csv, args.markdown, settings_of(args, GridTableSettings))


if __name__ == "__main__":
    run(main)
