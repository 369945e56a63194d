#!/usr/bin/env python
"""Draw the limits of a signal grid against one label, such as a mass.

Reads points.csv, writes a directory with a PNG and a PDF for each combination of the other labels that has two points
or more, such as m2_0.png; limits.png if there are no other labels.
"""

import argparse
from pathlib import Path

from muscan.base.errors import StepError
from muscan.base.files import folder_written_whole
from muscan.base.script import run
from muscan.plotting import style as plotting
from muscan.plotting.mass_limits import pictures
from muscan.results import contours


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--points", required=True, help="points.csv")
    parse.add_argument("--x", required=True, metavar="LABEL", help="label of the signal on the x axis")
    parse.add_argument("--x-label", metavar="TEXT", help="what the x axis is called")
    parse.add_argument("--title", required=True, help="of the signal grid")
    parse.add_argument("--output", type=Path, required=True, help="directory")
    args = parse.parse_args(argv)
    with folder_written_whole(args.output) as folder:
        try:
            points = contours.read_points(args.points)
            for name, figure in pictures(points, args.x, args.x_label or args.x, args.title):
                plotting.save(figure, folder / f"{name}.png")
            why = f"No two signal points differ in {args.x} alone."
        except StepError as error:
            why = str(error)
        if not any(folder.iterdir()):
            plotting.save(plotting.placeholder(why, args.title), folder / "none.png")


if __name__ == "__main__":
    run(main)
