#!/usr/bin/env python
"""Write the limits of a grid of signals as a submission to HEPData.

Reads points.csv, writes a folder with submission.yaml and a YAML file for each table: upper limits on the signal
strength mu, CLs at mu = 1, upper limits on the cross section, and the exclusion contours in the plane of two labels.
"""

import argparse
from contextlib import chdir
from pathlib import Path

from muscan.base.files import folder_written_whole, named
from muscan.base.script import run
from muscan.results import contours
from muscan.results.hepdata import submission, unit_of


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--points", required=True, help="points.csv")
    parse.add_argument("--x", metavar="LABEL", help="label on the horizontal axis of the contours")
    parse.add_argument("--y", metavar="LABEL", help="label on the vertical axis; without it there are no contours")
    parse.add_argument("--grid", required=True, help="name of the grid, for the descriptions")
    parse.add_argument("--units", nargs="+", type=unit_of, default=[], metavar="LABEL=UNIT", help="such as m1=GeV")
    parse.add_argument("--output", type=Path, required=True, help="folder")
    args = parse.parse_args(argv)
    points = contours.read_points(args.points)
    with named(args.points):
        made = submission(points, args.grid, args.x, args.y, dict(args.units))
    # hepdata_lib leaves an archive of the folder, with dates, where it is run.
    with folder_written_whole(args.output) as folder, chdir(folder.parent):
        made.create_files(str(folder))


if __name__ == "__main__":
    run(main)
