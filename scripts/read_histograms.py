#!/usr/bin/env python
"""Convert histograms from any source to one format.

Reads a CSV file, ROOT files or the counts in its options, writes histograms.csv, and a list of what was left out or
changed.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.steps.read_histograms import HistogramSettings, collect_histograms


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, HistogramSettings)
    parse.add_argument("--output", required=True)
    parse.add_argument("--findings", help="a file for what was left out or changed, as JSON")
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    collect_histograms(args.output, settings_of(args, HistogramSettings), args.findings)


if __name__ == "__main__":
    run(main)
