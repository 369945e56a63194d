#!/usr/bin/env python
"""Collect the signal points of a grid.

Reads limits.json of every signal of the analyses of the grid and, if there is one, a CSV file of cross sections; writes
points.csv, one row per signal point, and the same as Markdown. Of several analyses the one with the best expected limit
at the point is taken.
"""

import argparse
import json
import sys
from pathlib import Path

from muscan.base.files import write_text
from muscan.base.script import run
from muscan.results.grid_points import points_of
from muscan.results.tables import markdown


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--outline", type=json.loads, required=True, help="the data sets, analyses and grids, as JSON")
    parse.add_argument("--grid", required=True, help="name of the grid")
    parse.add_argument("--results", type=Path, default=Path("results"), help="folder of the results")
    parse.add_argument("--csv", required=True)
    parse.add_argument("--markdown", required=True)
    args = parse.parse_args(argv)
    points = points_of(args.outline, args.grid, args.results)
    for _, row in points[points["reason"] != ""].iterrows():
        print(f"{row['signal']}: {row['reason']}", file=sys.stderr)
    write_text(args.csv, points.to_csv(index=False, lineterminator="\n"))
    write_text(args.markdown, markdown(points))


if __name__ == "__main__":
    run(main)
