#!/usr/bin/env python
"""Build a HistFactory workspace from histograms.

Reads histograms.csv, writes workspace.json.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.steps.build_workspace import BuildSettings, build_workspace


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--histograms", required=True, help="CSV: [channel,] bin_low, bin_high, templates, observed")
    add_options(parse, BuildSettings)
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    build_workspace(args.output, args.histograms, settings_of(args, BuildSettings))


if __name__ == "__main__":
    run(main)
