#!/usr/bin/env python
"""Calculate the impacts of nuisance parameters on mu_hat.

Reads model.npz and fit.json, writes ranking.json, and the same impacts as a CSV file.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.inference.signal_point import SignalFiles
from muscan.steps.rank import RankOptions, rank


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, SignalFiles, RankOptions)
    parse.add_argument("--output", required=True)
    parse.add_argument("--csv", required=True, help="the same numbers as a table")
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    rank(args.output, args.csv, settings_of(args, SignalFiles), settings_of(args, RankOptions))


if __name__ == "__main__":
    run(main)
