#!/usr/bin/env python
"""Draw p0 of a signal grid against one label, such as a mass.

Reads points.csv, writes a directory with a PNG and a PDF for each combination of the other labels that has two points
or more, such as m2_0.png; p0.png if there are no other labels.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.plotting.mass_limits import MassSettings
from muscan.plotting.p0 import plot_p0


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--points", required=True, help="points.csv")
    add_options(parse, MassSettings)
    parse.add_argument("--output", required=True, help="folder")
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    plot_p0(args.output, args.points, settings_of(args, MassSettings))


if __name__ == "__main__":
    run(main)
