#!/usr/bin/env python
"""Find two-sided intervals of parameters.

Reads model.npz and fit.json, writes intervals.json: the ends at which the profiled -2 log L has risen by a threshold.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.inference.signal_point import SignalFiles
from muscan.steps.find_intervals import IntervalOptions, find_intervals


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, SignalFiles, IntervalOptions)
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    find_intervals(args.output, settings_of(args, SignalFiles), settings_of(args, IntervalOptions))


if __name__ == "__main__":
    run(main)
