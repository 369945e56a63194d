#!/usr/bin/env python
"""Draw the exclusion contours of a signal grid in the plane of two labels.

Reads points.csv, writes a PNG and a PDF beside it.
"""

import argparse

from muscan.base.errors import StepError
from muscan.base.script import run
from muscan.plotting import style as plotting
from muscan.plotting.contour import draw
from muscan.results import contours


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--points", required=True, help="points.csv")
    for axis in "xy":
        parse.add_argument(f"--{axis}", required=True, metavar="LABEL", help=f"label of the signal on the {axis} axis")
        parse.add_argument(f"--{axis}-label", metavar="TEXT", help=f"what the {axis} axis is called")
    parse.add_argument("--diagonal", type=float, metavar="D", help="draw the line x = y + D")
    parse.add_argument("--numbers", action="store_true", help="write the observed limit at each point")
    parse.add_argument("--title", required=True, help="of the signal grid: analysis")
    parse.add_argument("--output", required=True, help="PNG; the PDF gets the same name")
    args = parse.parse_args(argv)
    called = (args.x_label or args.x, args.y_label or args.y)
    try:
        points = contours.read_points(args.points)
        figure = draw(points, (args.x, args.y), called, args.title, diagonal=args.diagonal, numbers=args.numbers)
    except StepError as error:
        figure = plotting.placeholder(str(error), args.title)
    plotting.save(figure, args.output)


if __name__ == "__main__":
    run(main)
