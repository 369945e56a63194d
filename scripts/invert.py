#!/usr/bin/env python
"""Invert CLs(mu) into upper limits.

Reads model.npz, fit.json and the tests of a scan, writes limits.json: the observed and the five expected limits,
each with a status. Further values of mu are tested between the two points of the scan that enclose a limit.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.inference.signal_point import SignalFiles
from muscan.steps.invert import InvertSettings, invert


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, SignalFiles, InvertSettings)
    parse.add_argument("--hypotest", nargs="+", required=True, help="the tests of the scan")
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    invert(args.output, settings_of(args, SignalFiles), args.hypotest, settings_of(args, InvertSettings))


if __name__ == "__main__":
    run(main)
