#!/usr/bin/env python
"""Write the limits of a grid of signals as a submission to HEPData.

Reads points.csv, writes a folder with submission.yaml and a YAML file for each table: upper limits on the signal
strength mu, CLs at mu = 1, upper limits on the cross section, p0 and Z of an excess, and the exclusion contours in the
plane of two labels.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.results.hepdata import SubmissionSettings, write_submission


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--points", required=True, help="points.csv")
    add_options(parse, SubmissionSettings)
    parse.add_argument("--output", required=True, help="folder")
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    write_submission(args.output, args.points, settings_of(args, SubmissionSettings))


if __name__ == "__main__":
    run(main)
