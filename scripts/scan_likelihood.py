#!/usr/bin/env python
"""Profile -2 log L along one or two parameters.

Reads model.npz and fit.json, writes likelihood_scans.json, and the same values as a CSV file.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.inference.signal_point import SignalFiles
from muscan.steps.scan_likelihood import ScanOptions, scan_likelihood


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, SignalFiles, ScanOptions)
    parse.add_argument("--output", required=True)
    parse.add_argument("--csv", required=True, help="the same numbers as a table")
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    scan_likelihood(args.output, args.csv, settings_of(args, SignalFiles), settings_of(args, ScanOptions))


if __name__ == "__main__":
    run(main)
