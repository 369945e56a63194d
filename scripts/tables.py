#!/usr/bin/env python
"""Collect the limits of all scans.

Reads limits.json and fit.json of every scan, writes limits.csv and the same table as Markdown.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.results.tables import LimitsSettings, tabulate_limits


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, LimitsSettings)
    parse.add_argument("--csv", required=True)
    parse.add_argument("--markdown", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    tabulate_limits(args.csv, args.markdown, settings_of(args, LimitsSettings))


if __name__ == "__main__":
    run(main)
